"""Subjects in Chinese: linear and quadratic equations, sequences, probability, right triangles, derivatives, divisors."""

# ruff: noqa: E501

from fractions import Fraction
from math import gcd

from mathcode_data.quickstart.grammar import Draw
from mathcode_data.quickstart.latex import aligned, fraction, parenthesised, plus, polynomial
from mathcode_data.quickstart.topic import Exercise, Topic, exercise, topic


def linear(draw: Draw) -> Exercise:
    """Solve ax + b = cx + d."""
    a, x, b = draw.integer(4, 13), draw.integer(-8, 12), draw.integer(-20, 20, besides=(0,))
    c = draw.integer(2, a - 1)
    return exercise(
        draw,
        r"""
        ? [[解方程|求方程的解：|求未知数的值：]] $<left> = <right>$。
        - [[把含未知数的项移到左边|先移项]]，[[得|得到]] $<k>x = <d> <undo> = <kx>$。
        - [[两边同时除以|两边都除以]] $<k>$，[[所以|得]] $x = <x>$。
        - [[检验|代入原方程检验]]：左边 $<a> \times <px> <b> = <value>$，[[右边也等于|与右边相等，都是]] $<value>$。
        = $x = <x>$
        """,
        left=polynomial([a, b]),
        right=polynomial([c, (a - c) * x + b]),
        k="" if a - c == 1 else a - c,
        d=(a - c) * x + b,
        undo=plus(-b),
        kx=(a - c) * x,
        x=x,
        a=a,
        px=parenthesised(x),
        b=plus(b),
        value=a * x + b,
    )


def age_problem(draw: Draw) -> Exercise:
    """Ages of a parent and a child."""
    child, k, years = draw.integer(3, 12), draw.integer(3, 5), draw.integer(2, 9)
    name = draw.pick(("小明", "小红", "小华", "小丽", "小强", "小芳"))
    return exercise(
        draw,
        r"""
        ? [[今年|现在]]<name>的妈妈的年龄是<name>的 $<k>$ 倍，<years> 年后两人年龄之和是 $<total>$ 岁。<name>今年几岁？
        - [[设<name>今年|设今年<name>]] $x$ 岁，则妈妈今年 $<k>x$ 岁。
        - [[根据题意列方程|由题意得]]：$x + <years> + <k>x + <years> = <total>$。
        - [[化简|合并同类项]]得 $<k1>x = <total> - <both> = <sum>$，[[于是|所以]] $x = <child>$。
        = $<child>$ 岁
        """,
        name=name,
        k=k,
        years=years,
        total=child * (k + 1) + 2 * years,
        k1=k + 1,
        both=2 * years,
        sum=child * (k + 1),
        child=child,
    )


def quadratic(draw: Draw) -> Exercise:
    """Solve a quadratic equation by factoring."""
    p, q = draw.integer(-9, 9, besides=(0,)), draw.integer(-11, 11, besides=(0,))
    return exercise(
        draw,
        r"""
        ? [[解一元二次方程|用因式分解法解方程|求方程的两个根：]] $<left> = 0$。
        - [[寻找两个数，使它们的积为 $<c>$，和为 $<b>$|我们要找积是 $<c>$、和是 $<b>$ 的两个数]]，[[它们是|即]] $<m>$ 和 $<n>$。
        - [[因此|于是]] $<left> = (x <sm>)(x <sn>) = 0$。
        - [[两个因式中至少有一个为零|积为零时必有一个因式为零]]，所以 $x = <p>$ 或 $x = <q>$。
        = $x = <p>$ 或 $x = <q>$
        """,
        left=polynomial([1, -p - q, p * q]),
        c=p * q,
        b=-p - q,
        m=-p,
        n=-q,
        sm=plus(-p),
        sn=plus(-q),
        p=p,
        q=q,
    )


def discriminant(draw: Draw) -> Exercise:
    """How many real roots."""
    a, b, c = draw.integer(1, 7), draw.integer(-12, 12, besides=(0,)), draw.integer(-7, 9, besides=(0,))
    d = b * b - 4 * a * c
    verdict = "有两个不相等的实数根" if d > 0 else "没有实数根" if d < 0 else "有两个相等的实数根"
    return exercise(
        draw,
        r"""
        ? [[不解方程，判断|判断]]方程 $<left> = 0$ 的根的情况。
        - [[计算判别式|先求判别式]]：$$b^{2} - 4ac = <pb>^{2} - 4 \times <a> \times <pc> = <d>$$
        - [[因为|由于]] $<d>$ <sign>，[[所以|故]]方程<verdict>。
        = <verdict>
        """,
        left=polynomial([a, b, c]),
        pb=parenthesised(b),
        a=a,
        pc=parenthesised(c),
        d=d,
        verdict=verdict,
        sign="大于零" if d > 0 else "小于零" if d < 0 else "等于零",
    )


def arithmetic_sum(draw: Draw) -> Exercise:
    """The sum of an arithmetic sequence."""
    a, d, n = draw.integer(1, 30), draw.integer(2, 12), 2 * draw.integer(4, 25)
    last = a + (n - 1) * d
    return exercise(
        draw,
        r"""
        ? [[求等差数列|已知等差数列]] $<a>, <b>, <c>, \ldots$ [[的前 $<n>$ 项和|，求前 $<n>$ 项的和]]。
        - [[公差|这个数列的公差]]是 $<b> - <a> = <d>$。
        - [[第 $<n>$ 项为|末项等于]] $<a> + <m> \times <d> = <last>$。
        - [[由求和公式|代入求和公式]]：$$S_{<n>} = \frac{<n> \times (<a> + <last>)}{2} = <s>$$
        = $<s>$
        """,
        a=a,
        b=a + d,
        c=a + 2 * d,
        d=d,
        n=n,
        m=n - 1,
        last=last,
        s=n * (a + last) // 2,
    )


def geometric_term(draw: Draw) -> Exercise:
    """A term of a geometric sequence."""
    a, r, n = draw.integer(1, 9), draw.integer(2, 4), draw.integer(4, 8)
    return exercise(
        draw,
        r"""
        ? [[在等比数列|等比数列]] $<a>, <b>, <c>, \ldots$ 中，[[求|第 $<n>$ 项是多少？即求]] $a_{<n>}$。
        - [[公比|相邻两项的比]]是 $<b> \div <a> = <r>$。
        - [[从首项起要乘|需要连乘]] $<m>$ 次公比：$a_{<n>} = <a> \times <r>^{<m>}$。
        - [[计算得|所以]] $a_{<n>} = <a> \times <power> = <result>$。
        = $<result>$
        """,
        a=a,
        b=a * r,
        c=a * r * r,
        r=r,
        n=n,
        m=n - 1,
        power=r ** (n - 1),
        result=a * r ** (n - 1),
    )


def urn(draw: Draw) -> Exercise:
    """Two balls without replacement."""
    a, b = draw.integer(2, 9), draw.integer(2, 9)
    one, other = draw.some(("红", "白", "黑", "蓝", "黄", "绿"), 2)
    n = a + b
    return exercise(
        draw,
        r"""
        ? [[袋中有|一个不透明的袋子里装有]] $<a>$ 个<one>球和 $<b>$ 个<other>球，[[不放回地|依次不放回]]摸出两个球，求两个都是<one>球的概率。
        - [[第一次|第一次摸球时]]摸到<one>球的概率是 $\frac{<a>}{<n>}$。
        - [[此时还剩|袋中剩下]] $<n1>$ 个球，其中<one>球 $<a1>$ 个，[[概率为|所以概率是]] $\frac{<a1>}{<n1>}$。
        - [[由乘法公式|两步相乘]]：$$\frac{<a>}{<n>} \times \frac{<a1>}{<n1>} = <result>$$
        = $<result>$
        """,
        a=a,
        b=b,
        n=n,
        one=one,
        other=other,
        a1=a - 1,
        n1=n - 1,
        result=fraction(Fraction(a * (a - 1), n * (n - 1))),
    )


def pythagoras(draw: Draw) -> Exercise:
    """The height a ladder reaches."""
    x, y, z = draw.pick(((3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29)))
    k = draw.integer(1, 6)
    return exercise(
        draw,
        r"""
        ? [[一架长|有一架长]] $<c>$ 分米的梯子斜靠在墙上，梯脚离墙 $<a>$ 分米，[[梯子顶端离地面多高|求梯子顶端的高度]]？
        - [[梯子、墙和地面构成直角三角形|墙与地面垂直]]，梯子是斜边。
        - [[由勾股定理|根据勾股定理]]，$h^{2} = <c>^{2} - <a>^{2} = <cc> - <aa> = <bb>$。
        - [[开方得|所以]] $h = \sqrt{<bb>} = <b>$。
        = $<b>$ 分米
        """,
        a=k * x,
        b=k * y,
        c=k * z,
        aa=k * k * x * x,
        bb=k * k * y * y,
        cc=k * k * z * z,
    )


def derivative(draw: Draw) -> Exercise:
    """The tangent of a parabola."""
    a, b, c, x = draw.integer(1, 6), draw.integer(-8, 8, besides=(0,)), draw.integer(-9, 9, besides=(0,)), draw.integer(-4, 5)
    y, m = a * x * x + b * x + c, 2 * a * x + b
    return exercise(
        draw,
        r"""
        ? [[求曲线|求抛物线]] $y = <f>$ 在 $x = <x>$ 处的切线方程。
        - [[先求导数|求导]]得 $y' = <df>$，[[所以切线的斜率|切线斜率]]为 $<a2> \times <px> <b> = <m>$。
        - [[切点的纵坐标是|当 $x = <x>$ 时]] $y = <y>$。
        - [[由点斜式|代入点斜式]]得 $y = <m>(x <mx>) <py> = <line>$。
        = $y = <line>$
        """,
        f=polynomial([a, b, c]),
        x=x,
        df=polynomial([2 * a, b]),
        a2=2 * a,
        px=parenthesised(x),
        b=plus(b),
        m=m,
        y=y,
        mx=plus(-x),
        py=plus(y),
        line=polynomial([m, y - m * x]),
    )


def euclid(draw: Draw) -> Exercise:
    """The greatest common divisor."""
    g, x, y = draw.integer(2, 15), draw.integer(6, 40), draw.integer(5, 39)
    a, b = g * max(x, y), g * min(x, y)
    a = a + g if a == b else a
    lines, m, n = [], a, b
    while n:
        lines.append(f"{m} &= {m // n} \\times {n} + {m % n}")
        m, n = n, m % n
    return exercise(
        draw,
        r"""
        ? [[用辗转相除法求|求]] $<a>$ 与 $<b>$ 的最大公约数。
        - [[反复作带余除法|依次用除数除以余数]]：$$<lines>$$
        - [[最后一个不为零的余数|余数为零之前的除数]]就是最大公约数，[[所以|即]] $\gcd(<a>, <b>) = <g>$。
        - [[最小公倍数为|由此得最小公倍数]] $<a> \times <b> \div <g> = <l>$。
        = $<g>$
        """,
        a=a,
        b=b,
        lines=aligned(*lines),
        g=gcd(a, b),
        l=a * b // gcd(a, b),
    )


EQUATIONS = topic(
    "yiyuan-fangcheng",
    """
    一元一次方程的解法
    怎样解一元一次方程
    """,
    r"""
    [[含有未知数的等式叫做方程。|方程是含有未知数的等式。]][[使等式成立的未知数的值叫做方程的解。|解方程就是求出使等式成立的全部数值。]]只含一个未知数并且未知数的次数是一的方程叫做一元一次方程，一般写成 $ax + b = 0$，其中 $a \ne 0$。

    [[等式的两边加上或减去同一个数，等式仍然成立。|等式好比天平，两边同时增减相同的重量，天平保持平衡。]]两边乘或除以同一个不为零的数，[[等式也成立|结果仍然相等]]。移项就是根据这条性质得来的，[[移项时一定要变号|所以移过等号的项要改变符号]]。

    [[解方程的一般步骤是去分母、去括号、移项、合并同类项、系数化为一。|一般先去分母和括号，再移项、合并，最后把系数化为一。]][[每一步都要写清楚依据。|步骤不必死记，关键是理解每一步为什么成立。]]

    [[列方程解应用题时，先设未知数。|应用题的关键是找等量关系。]][[然后用含未知数的式子表示其他的量|把题目中的话逐句翻译成式子]]，根据等量关系列出方程，[[解出以后要检验是否符合题意|最后写出答案并检验]]。
    """,
    r"""
    [[去分母时不要漏乘不含分母的项。|去分母时每一项都要乘最小公倍数。]][[这是最常见的错误。|很多同学会忘记常数项。]]

    [[把求得的值代回原方程，可以检验计算是否正确。|养成检验的习惯，能避免粗心造成的失误。]]
    """,
    linear,
    age_problem,
)

QUADRATICS = topic(
    "erci-fangcheng",
    """
    一元二次方程
    一元二次方程的根与判别式
    """,
    r"""
    [[形如|可以化成]] $ax^{2} + bx + c = 0$（$a \ne 0$）的方程叫做一元二次方程。[[它最多有两个实数根。|解法有因式分解法、配方法和公式法。]]

    [[因式分解法的依据是：|为什么可以因式分解？因为]]如果 $uv = 0$，那么 $u = 0$ 或 $v = 0$。[[所以先把方程右边化为零，再把左边分解成两个一次因式的积。|分解以后，方程就变成了两个一次方程。]]

    [[求根公式适用于所有的一元二次方程。|用配方法可以推出求根公式。]]当判别式不小于零时，$$x = \frac{-b \pm \sqrt{b^{2} - 4ac}}{2a}$$ [[判别式决定根的个数。|公式中根号下的式子叫做判别式。]]

    [[判别式大于零时方程有两个不相等的实数根，等于零时有两个相等的实数根，小于零时没有实数根。|由判别式的符号可以知道抛物线与横轴有几个公共点：两个、一个或者没有。]]

    [[根与系数的关系也叫韦达定理。|韦达定理说明了根与系数的关系。]]设两根为 $r$ 和 $s$，则 $r + s = -\frac{b}{a}$，$rs = \frac{c}{a}$。[[利用它可以快速检验所求的根。|不解方程也能求出两根的平方和等式子的值。]]
    """,
    r"""
    [[不要在方程两边同时除以含未知数的式子|方程两边不能随便约去未知数]]，[[否则会丢掉一个根|这样会漏解]]。

    [[使用公式前要先化成一般形式，并注意系数的符号。|代入公式时，负数要加括号。]]
    """,
    quadratic,
    discriminant,
)

SEQUENCES = topic(
    "shulie",
    """
    等差数列与等比数列
    数列的通项与求和
    """,
    r"""
    [[从第二项起，每一项与前一项的差都等于同一个常数的数列叫做等差数列。|如果一个数列相邻两项的差总是相同，就称它为等差数列。]]这个常数叫做公差，[[通项公式是|第 $n$ 项可以写成]] $a_{n} = a_{1} + (n - 1)d$。

    [[传说高斯小时候很快算出了一到一百的和。|高斯求和的故事大家都听过。]][[他把首尾两数配成一对，每一对的和都相等。|首项与末项的和等于第二项与倒数第二项的和。]]由此得到 $$S_{n} = \frac{n(a_{1} + a_{n})}{2}$$

    [[每一项与前一项的比都相等的数列叫做等比数列。|等比数列相邻两项的比是常数，叫做公比。]]它的通项是 $a_{n} = a_{1} r^{n-1}$，[[各项不能为零|公比也不能为零]]。

    [[把等比数列的和乘以公比，再与原来的和相减，中间的项全部抵消。|等比数列求和用错位相减法。]]于是当 $r \ne 1$ 时 $S_{n} = \frac{a_{1}(r^{n} - 1)}{r - 1}$。
    """,
    r"""
    [[注意项数与步数相差一。|从第一项到第 $n$ 项只加了 $n - 1$ 次公差。]][[许多错误都来自这里。|可以用前两项来检验公式。]]

    [[先判断是等差还是等比，再选择公式。|公比等于一时要单独讨论。]]
    """,
    arithmetic_sum,
    geometric_term,
)

CHANCE = topic(
    "gailv",
    """
    古典概型与概率
    概率初步
    """,
    r"""
    [[如果所有结果出现的可能性相同，概率就等于有利结果数除以全部结果数。|在古典概型中，计算概率就是数数。]]即 $P(A) = \frac{m}{n}$，[[其中 $n$ 是全部等可能结果的个数|其中 $m$ 是事件包含的结果数]]。

    [[概率总在零和一之间。|不可能事件的概率是零，必然事件的概率是一。]][[对立事件的概率之和等于一|求至少有一个时，常常先求它的对立事件]]：$P(A) + P(\overline{A}) = 1$。

    [[分步进行的试验可以画树状图。|树状图能清楚地表示每一步的结果。]][[同一条路径上的概率相乘，不同路径的概率相加。|沿树枝相乘，各分支相加。]]

    [[放回与不放回是两种不同的情形。|摸球问题要看清是否放回。]][[放回时每次试验相互独立|不放回时第二次的概率会改变]]，[[计算时要特别留心|列式前先想清楚剩下多少个球]]。
    """,
    r"""
    [[先确认各个结果是否等可能。|等可能是前提。]][[两个骰子的点数之和就不是等可能的。|点数之和为七的机会比为二的机会大。]]

    [[概率大于一一定是算错了。|答案应当是不超过一的分数。]]
    """,
    urn,
)

GEOMETRY = topic(
    "gougu",
    """
    勾股定理及其应用
    直角三角形
    """,
    r"""
    [[直角三角形两条直角边的平方和等于斜边的平方，这就是勾股定理。|勾股定理是几何中最重要的定理之一。]]用式子表示就是 $$a^{2} + b^{2} = c^{2}$$ [[中国古代把较短的直角边叫做勾，较长的叫做股，斜边叫做弦。|《周髀算经》中记载了勾三股四弦五。]]

    [[赵爽用弦图证明了这个定理。|证明的方法有几百种。]][[四个全等的直角三角形围成一个大正方形，中间空出一个小正方形。|比较面积，大正方形等于四个三角形加上中间的小正方形。]]

    [[反过来，如果三边满足这个关系，三角形就是直角三角形。|它的逆定理也成立，可以用来判断直角。]][[古代工匠用打了结的绳子来画直角。|这在测量和建筑中很有用。]]

    [[满足关系的三个正整数叫做勾股数。|常见的勾股数有三四五、五十二十三等。]]一般地，$m^{2} - n^{2}$、$2mn$、$m^{2} + n^{2}$ [[是一组勾股数|给出了构造的方法]]。
    """,
    r"""
    [[使用定理前要先找准斜边。|斜边总是直角所对的边。]][[斜边的平方单独在一边。|求直角边时要用减法。]]

    [[和的平方根不等于平方根的和。|不能把根号拆开来算。]]
    """,
    pythagoras,
)

CALCULUS = topic(
    "daoshu",
    """
    导数与切线
    导数的概念与计算
    """,
    r"""
    [[导数描述函数变化的快慢。|函数在一点的导数等于图象在该点切线的斜率。]]它的定义是 $$f'(x) = \lim_{h \to 0} \frac{f(x + h) - f(x)}{h}$$ [[分式是割线的斜率，取极限后变成切线的斜率。|极限之前的比值是平均变化率。]]

    [[幂函数的求导公式是|对幂函数求导有]] $(x^{n})' = n x^{n-1}$，[[常数的导数是零|和的导数等于导数的和]]。

    [[曲线在一点的切线可以用点斜式写出|已知切点和斜率就能写出切线]]：$y = f(a) + f'(a)(x - a)$。[[切线是曲线在该点附近最好的直线近似。|在切点附近，曲线与切线几乎重合。]]

    [[导数大于零时函数递增，小于零时递减。|利用导数的符号可以讨论单调性。]][[极值点处导数等于零|在极大值或极小值处切线是水平的]]，[[但导数为零的点不一定是极值点|反过来却不一定成立]]。
    """,
    r"""
    [[先求导再代入数值，顺序不能颠倒。|如果先代入，函数就成了常数，导数为零。]]

    [[切点必须在曲线上。|要分清过某点的切线与在某点的切线。]]
    """,
    derivative,
)

DIVISORS = topic(
    "zuida-gongyueshu",
    """
    最大公约数与辗转相除法
    整除与约数
    """,
    r"""
    [[两个整数公有的约数中最大的一个叫做最大公约数。|几个数的公约数里最大的那个就是最大公约数。]][[最大公约数是一的两个数互质。|例如八和九互质，虽然它们都不是质数。]]

    [[辗转相除法是求最大公约数的古老方法。|《九章算术》中的更相减损术与它相似。]]它的依据是 $\gcd(a, b) = \gcd(b, r)$，[[其中 $r$ 是 $a$ 除以 $b$ 的余数|这里 $a = qb + r$]]。[[余数越来越小，有限步以后必然为零。|每一步数都变小，所以算法一定会停止。]]

    [[最小公倍数可以由最大公约数求出。|两个数的积等于最大公约数与最小公倍数的积。]][[通分时要用到最小公倍数。|齿轮和周期问题常常要用到它。]]

    [[每个大于一的整数都能唯一地分解成质数的乘积。|算术基本定理说明质因数分解是唯一的。]][[质数有无穷多个，欧几里得早已证明。|一不是质数，这样规定才能保证唯一性。]]
    """,
    r"""
    [[每一步都要写成被除数等于商乘除数加余数。|把每一步的除数和余数写清楚，不容易出错。]]

    [[如果最后的余数是一，两个数互质。|结果必须同时整除原来的两个数，可以用这一点来检验。]]
    """,
    euclid,
)

CHINESE_TOPICS: tuple[Topic, ...] = (EQUATIONS, QUADRATICS, SEQUENCES, CHANCE, GEOMETRY, CALCULUS, DIVISORS)
