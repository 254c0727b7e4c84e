"""Arithmetic: products by place value, division with remainder, fractions, percentages, order of operations, rates."""

from fractions import Fraction
from math import gcd

from mathcode_data.quickstart.grammar import Draw
from mathcode_data.quickstart.latex import fraction, parenthesised, plus
from mathcode_data.quickstart.topic import Exercise, exercise, topic


def product(draw: Draw) -> Exercise:
    """Multiply two numbers of two digits by splitting one."""
    a, tens, ones = draw.integer(12, 98), 10 * draw.integer(1, 9), draw.integer(1, 9)
    return exercise(
        draw,
        r"""
        ? [[Work out|Calculate|Find]] $<a> \times <b>$ [[without a calculator|by splitting a factor|on paper]].
        - [[Split|Write|Break up]] the second factor by place value: $<b> = <tens> + <ones>$.
        - [[Multiply by the tens|First take the tens|The tens give]]: $<a> \times <tens> = <p>$.
        - [[Multiply by the ones|Then take the ones|The ones give]]: $<a> \times <ones> = <q>$.
        - [[Add the two partial products|Together this makes|The sum of both parts is]]: $<p> + <q> = <total>$.
        = $<total>$
        """,
        a=a,
        b=tens + ones,
        tens=tens,
        ones=ones,
        p=a * tens,
        q=a * ones,
        total=a * (tens + ones),
    )


def division(draw: Draw) -> Exercise:
    """Divide with a remainder."""
    d, q = draw.integer(6, 19), draw.integer(11, 89)
    r = draw.integer(1, d - 1)
    return exercise(
        draw,
        r"""
        ? [[Divide|Work out the division of]] $<n>$ by $<d>$ and [[give|name|find]] the remainder.
        - [[How often does $<d>$ fit into $<n>$?|We look for the largest multiple of $<d>$ that is not above $<n>$.]]
          [[We try $<d> \times <q> = <m>$|Since $<d> \times <q> = <m>$, try this]], and the next multiple would be
          $<m> + <d> = <over>$, which is [[too large|more than $<n>$]].
        - [[What is left|The remainder|The rest]] is $<n> - <m> = <r>$, [[less than|and it is below]] $<d>$.
        - [[So|Hence|Therefore]] $<n> = <d> \times <q> + <r>$.
        = quotient $<q>$, remainder $<r>$
        """,
        n=d * q + r,
        d=d,
        q=q,
        r=r,
        m=d * q,
        over=d * (q + 1),
    )


def column_addition(draw: Draw) -> Exercise:
    """Add numbers of three digits with carries."""
    a, b = draw.integer(125, 879), draw.integer(124, 878)
    ones, tens = a % 10 + b % 10, a // 10 % 10 + b // 10 % 10
    carry = ones // 10
    carried = (tens + carry) // 10
    return exercise(
        draw,
        r"""
        ? [[Add|Find the sum of]] $<a>$ and $<b>$ column by column.
        - [[Ones|The column of the ones]]: $<a0> + <b0> = <ones>$, [[so write|so we put down]] $<w0>$ and carry $<c0>$.
        - [[Tens|The column of the tens]]: $<a1> + <b1> + <c0> = <tens>$, [[write|put down]] $<w1>$ and carry $<c1>$.
        - [[Hundreds|The column of the hundreds]]: $<a2> + <b2> + <c1> = <hundreds>$.
        - [[Altogether|Reading off the digits]], $<a> + <b> = <s>$.
        = $<s>$
        """,
        a=a,
        b=b,
        a0=a % 10,
        b0=b % 10,
        ones=ones,
        w0=ones % 10,
        c0=carry,
        a1=a // 10 % 10,
        b1=b // 10 % 10,
        tens=tens + carry,
        w1=(tens + carry) % 10,
        c1=carried,
        a2=a // 100,
        b2=b // 100,
        hundreds=a // 100 + b // 100 + carried,
        s=a + b,
    )


def add_fractions(draw: Draw) -> Exercise:
    """Add two fractions with different denominators."""
    b, d = draw.integer(2, 12), draw.integer(3, 15)
    while b == d:
        d = draw.integer(3, 15)
    a, c = draw.integer(1, b - 1) if b > 2 else 1, draw.integer(1, d - 1)
    common = b * d // gcd(b, d)
    top_a, top_c = a * (common // b), c * (common // d)
    return exercise(
        draw,
        r"""
        ? [[Add|Find the sum of]] the fractions $\frac{<a>}{<b>}$ and $\frac{<c>}{<d>}$.
        - The least common [[denominator|multiple of the denominators]] $<b>$ and $<d>$ is $<common>$.
        - [[Expand both fractions|Write both over $<common>$|Bring both to this denominator]]:
          $\frac{<a>}{<b>} = \frac{<p>}{<common>}$ and $\frac{<c>}{<d>} = \frac{<q>}{<common>}$.
        - [[Now add the numerators|Add the tops and keep the bottom|Only the numerators are added]]:
          $$\frac{<p>}{<common>} + \frac{<q>}{<common>} = \frac{<top>}{<common>}$$
        - [[In lowest terms|Cancelled as far as possible|After reducing]] the sum is $<result>$.
        = $<result>$
        """,
        a=a,
        b=b,
        c=c,
        d=d,
        common=common,
        p=top_a,
        q=top_c,
        top=top_a + top_c,
        result=fraction(Fraction(a, b) + Fraction(c, d)),
    )


def multiply_fractions(draw: Draw) -> Exercise:
    """Multiply or divide two fractions."""
    a, b, c, d = (draw.integer(2, 9) for _ in range(4))
    if draw.chance(0.5):
        return exercise(
            draw,
            r"""
            ? [[Multiply|Find the product of]] $\frac{<a>}{<b>}$ and $\frac{<c>}{<d>}$.
            - [[Numerator times numerator|The numerators give]]: $<a> \times <c> = <top>$.
            - [[Denominator times denominator|The denominators give]]: $<b> \times <d> = <bottom>$.
            - [[So the product is|This gives]] $\frac{<top>}{<bottom>}$, [[and reduced|in lowest terms]] $<result>$.
            = $<result>$
            """,
            a=a,
            b=b,
            c=c,
            d=d,
            top=a * c,
            bottom=b * d,
            result=fraction(Fraction(a * c, b * d)),
        )
    return exercise(
        draw,
        r"""
        ? [[Divide|Work out the quotient of]] $\frac{<a>}{<b>}$ by $\frac{<c>}{<d>}$.
        - [[Dividing by a fraction means multiplying by its reciprocal|Turn the second fraction upside down]]:
          $$\frac{<a>}{<b>} \div \frac{<c>}{<d>} = \frac{<a>}{<b>} \times \frac{<d>}{<c>}$$
        - [[Multiply the tops and the bottoms|The tops and bottoms give]]:
          $<a> \times <d> = <top>$ and $<b> \times <c> = <bottom>$.
        - [[Reduced to lowest terms|In simplest form]] this is $<result>$.
        = $<result>$
        """,
        a=a,
        b=b,
        c=c,
        d=d,
        top=a * d,
        bottom=b * c,
        result=fraction(Fraction(a * d, b * c)),
    )


def percentage_change(draw: Draw) -> Exercise:
    """A price goes up or down by some per cent."""
    percent, hundred = 5 * draw.integer(1, 9), 20 * draw.integer(2, 40)
    change = percent * hundred // 100
    is_up = draw.chance(0.5)
    thing = draw.pick(("bicycle", "winter coat", "desk lamp", "train pass", "bookshelf", "tent", "guitar"))
    return exercise(
        draw,
        r"""
        ? A <thing> costs ¤<price>. Its price [[is <way>|has just been <way>]] by <percent> per cent.
          What [[is the new price|does it cost afterwards]]?
        - [[One per cent|First, one per cent]] of <price> is $<price> \div 100 = <one>$.
        - [[So <percent> per cent are|Then <percent> per cent make]] $<percent> \times <one> = <change>$.
        - [[The new price is|This amount is <done>]]: $<price> <sign> <change> = <new>$.
        = ¤<new>
        """,
        thing=thing,
        price=hundred,
        percent=percent,
        way="raised" if is_up else "cut",
        one=f"{hundred / 100:.2f}".rstrip("0").rstrip("."),
        change=change,
        sign="+" if is_up else "-",
        done="added" if is_up else "taken off",
        new=hundred + change if is_up else hundred - change,
    )


def share_in_ratio(draw: Draw) -> Exercise:
    """Divide an amount in a ratio."""
    p, q = draw.integer(2, 9), draw.integer(1, 8)
    while gcd(p, q) > 1:
        q = draw.integer(1, 8)
    part = draw.integer(4, 60)
    one, other = draw.pick((("Mara", "Tomas"), ("Ines", "Karl"), ("Yusuf", "Lena"), ("Priya", "Hugo")))
    return exercise(
        draw,
        r"""
        ? <one> and <other> share $<total>$ [[marbles|stickers|points|walnuts]] in the ratio $<p> : <q>$.
          How many does [[each|each of them]] get?
        - [[There are|The ratio means]] $<p> + <q> = <parts>$ equal parts [[in all|together]].
        - [[One part is|So each part is]] $<total> \div <parts> = <part>$.
        - <one> gets $<p> \times <part> = <first>$ and <other> gets $<q> \times <part> = <second>$.
        - [[Check|The check]]: $<first> + <second> = <total>$.
        = <one> $<first>$, <other> $<second>$
        """,
        one=one,
        other=other,
        p=p,
        q=q,
        parts=p + q,
        part=part,
        total=part * (p + q),
        first=p * part,
        second=q * part,
    )


def order_of_operations(draw: Draw) -> Exercise:
    """Powers, then products, then sums."""
    a, b, c, d = draw.integer(-15, 30), draw.integer(2, 12), draw.integer(3, 12), draw.integer(2, 9)
    return exercise(
        draw,
        r"""
        ? [[Evaluate|What is the value of|Work out]] $<a> + <b> \times <c> - <d>^{2}$.
        - [[The power comes first|Start with the power]]: $<d>^{2} = <square>$.
        - [[Next the product|Multiplication goes before addition]]: $<b> \times <c> = <bc>$.
        - [[Now only sums are left|Last, from left to right]]: $<a> + <bc> = <s>$ and $<s> - <square> = <result>$.
        = $<result>$
        """,
        a=a,
        b=b,
        c=c,
        d=d,
        square=d * d,
        bc=b * c,
        s=a + b * c,
        result=a + b * c - d * d,
    )


def negative_brackets(draw: Draw) -> Exercise:
    """Brackets with signed numbers."""
    a, b, c, e = draw.integer(-9, -2), draw.integer(-12, 12), draw.integer(-12, 12), draw.integer(2, 9)
    return exercise(
        draw,
        r"""
        ? [[Simplify|Compute|Find the value of]] $<a>(<b> <c>) - <e> \times (<a>)$.
        - [[The bracket is|Inside the bracket we have]] $<b> <c> = <s>$.
        - [[Multiply by the factor in front|The first product is]]: $<a> \times <sp> = <p>$.
        - [[The second product is|For the second product]] $<e> \times (<a>) = <q>$.
        - [[Subtract|Taking it away]]: $<p> - (<q>) = <result>$,
          [[because minus a negative number is plus|as two minus signs make a plus]].
        = $<result>$
        """,
        a=a,
        b=b,
        c=plus(c),
        e=e,
        s=b + c,
        sp=parenthesised(b + c),
        p=a * (b + c),
        q=e * a,
        result=a * (b + c) - e * a,
    )


def speed(draw: Draw) -> Exercise:
    """Distance, speed and time."""
    v, t = 5 * draw.integer(3, 24), draw.integer(2, 9)
    who = draw.pick(("cyclist", "freight train", "delivery van", "river boat", "school bus", "hiker on skates"))
    return exercise(
        draw,
        r"""
        ? A <who> [[covers|travels]] $<s>$ kilometres in $<t>$ hours at a [[steady|constant]] speed.
          How fast is it, and how far does it get in $<u>$ hours?
        - [[Speed is distance divided by time|Divide the distance by the time]]: $<s> \div <t> = <v>$.
        - [[Distance is speed times time|Multiply by the new time]]: $<v> \times <u> = <far>$.
        = $<v>$ kilometres per hour, $<far>$ kilometres
        """,
        who=who,
        s=v * t,
        t=t,
        v=v,
        u=t + 3,
        far=v * (t + 3),
    )


def unit_price(draw: Draw) -> Exercise:
    """Compare two offers by the price of one piece."""
    n, m, p = draw.integer(3, 8), draw.integer(9, 15), draw.integer(2, 9)
    q = p - 1
    thing = draw.pick(("notebooks", "light bulbs", "batteries", "candles", "seed packets", "bus tickets"))
    return exercise(
        draw,
        r"""
        ? [[A shop sells|You can buy]] <n> <thing> for ¤<np> or <m> <thing> for ¤<mq>.
          Which [[offer|pack]] is cheaper [[per piece|for one piece]], and by how much?
        - [[The small pack|In the small pack one piece]] costs $<np> \div <n> = <p>$ [[dollars each|dollars]].
        - [[The large pack|In the large pack one piece]] costs $<mq> \div <m> = <q>$ [[dollars each|dollars]].
        - [[The difference is|Compare the two]]: $<p> - <q> = 1$.
        = the large pack, by ¤1 a piece
        """,
        n=n,
        m=m,
        thing=thing,
        np=n * p,
        mq=m * q,
        p=p,
        q=q,
    )


PRODUCTS = topic(
    "written-arithmetic",
    """
    Multiplying and dividing on paper
    Place value and written arithmetic
    How the written methods of arithmetic work
    """,
    r"""
    [[Every written method rests on place value.|Written arithmetic works because of place value.]] In a number such as
    $345$ the digit $3$ stands for hundreds, so that $345 = 300 + 40 + 5$. [[When we multiply, each of these parts is
    multiplied on its own and the results are added.|A product can therefore be taken apart, one place at a time.]]

    The rule behind [[splitting a factor|this method]] is the distributive law $a(b + c) = ab + ac$.
    [[It says that a sum may be multiplied term by term.|In words: to multiply a sum, multiply every part of it.]]
    [[A rectangle shows why|You can see it in a rectangle]]: a side of length $b + c$ cuts the area into two pieces.

    [[Division asks how often one number is contained in another.|To divide is to measure one number with another.]]
    If it does not come out even, a remainder stays, and the three numbers are tied together by $n = dq + r$ with
    $0 \le r < d$. [[The condition on the remainder makes the answer unique.|A remainder that is not smaller than the
    divisor means that the quotient was chosen too small.]]

    [[Carrying is nothing but trading ten ones for one ten.|A carry swaps ten units of one place for one of the next.]]
    [[That is why we work from the right to the left|For this reason the columns are added from right to left]], and why
    the carry is never more than $1$ when two numbers are added.

    [[Zeros are easy to lose.|Watch the zeros.]] Multiplying by $10$ moves each digit one place to the left, and
    multiplying by $100$ moves it two places. [[So a factor like $60$ is handled as $6$ followed by one more
    zero.|A factor of $60$ is a factor of $6$ and then a factor of $10$.]]
    """,
    r"""
    [[An estimate guards against gross errors.|It pays to estimate first.]] Round each factor to one leading digit and
    multiply. [[If the exact result is ten times larger or smaller, a zero went missing.|The estimate and the result must
    have about the same number of digits.]]

    [[Casting out nines is an old check|There is a classical check]]: replace every number by the sum of its digits until
    one digit is left. [[The digits must satisfy the same equation.|The same calculation must hold for these digits.]]
    """,
    product,
    division,
    column_addition,
)

FRACTIONS = topic(
    "fractions",
    """
    Adding and multiplying fractions
    Working with fractions step by step
    Fractions: common denominators and reciprocals
    """,
    r"""
    A fraction $\frac{a}{b}$ [[means that a whole is cut into $b$ equal parts, of which we take $a$.|stands for $a$ parts
    out of $b$ equal ones.]] [[The number below the bar is the denominator; it names the kind of
    part.|The denominator tells us what kind of parts we have, the numerator how many.]]

    [[Only parts of the same size can be counted together|We can add only what has the same denominator]], so unlike
    fractions must first be expanded. [[Expanding multiplies top and bottom by the same number and changes nothing in the
    value|The value stays the same if top and bottom are multiplied by one number]]: $\frac{a}{b} = \frac{ka}{kb}$.

    [[Any common multiple of the denominators will do|Each common multiple serves]], but the least one keeps the numbers
    small. [[For $6$ and $8$ it is $24$ and not $48$.|With $4$ and $10$ one takes $20$ and not $40$.]]

    [[Products are easier than sums.|Multiplication needs no common denominator.]] The rule is
    $$\frac{a}{b} \times \frac{c}{d} = \frac{ac}{bd}$$ and [[it pays to cancel before multiplying|common factors are best
    removed at once]].

    The reciprocal of $\frac{c}{d}$ is $\frac{d}{c}$, [[since their product is $1$|because both multiply to $1$]].
    [[Dividing by a number is the same as multiplying by its reciprocal.|So every division turns into a
    multiplication.]]
    """,
    r"""
    [[Never add the denominators.|A frequent mistake is to add the denominators.]] The wrong rule would give
    $\frac{1}{2} + \frac{1}{2} = \frac{2}{4}$, [[although two halves make a whole|which is one half and not one]].

    [[A rough drawing helps|Compare with simple fractions]]: is each summand above or below one half? [[If both are below,
    the sum is less than one.|Two fractions above one half must add up to more than one.]]
    """,
    add_fractions,
    multiply_fractions,
)

PERCENT = topic(
    "percentages-and-ratios",
    """
    Percentages, ratios and rates
    Per cent problems and sharing in a ratio
    Proportional reasoning with worked problems
    """,
    r"""
    Per cent means out of a hundred, so $p$ per cent of a number $n$ is $\frac{p}{100} \times n$.
    [[It is often easiest to find one per cent first.|A good habit is to go through one per cent.]]

    [[A change in per cent can be done in one multiplication.|There is a shorter way for changes.]] A rise by $p$ per cent
    multiplies by $1 + \frac{p}{100}$, a fall by $p$ per cent by $1 - \frac{p}{100}$. [[Two changes one after the other
    multiply|For two changes the factors are multiplied]]; they do not add.

    A ratio $a : b$ [[compares two amounts by division|tells how two amounts compare]]. [[It does not change when both
    numbers are multiplied by the same factor|Both sides may be multiplied or divided alike]], so that
    $a : b = ka : kb$.

    [[To share an amount in a ratio, count the parts.|Sharing in a ratio starts with counting parts.]] [[The total divided
    by the number of parts is the size of one part|One part is the total over the number of parts]], and each person gets
    as many of them as the ratio says.

    A rate [[is a ratio of two amounts of different kinds|compares amounts with different units]], such as kilometres per
    hour. [[It answers how much there is for one unit.|The word per always means for each one.]] With $s = vt$ any two of
    distance, speed and time give the third.
    """,
    r"""
    [[Ask what the hundred per cent are.|The base of a percentage matters.]] A price that falls by $20$ per cent and then
    rises by $20$ per cent [[does not return to its old value|ends lower than it began]], because
    $0.8 \times 1.2 = 0.96$.

    [[Units tell whether the division was the right way round.|Keep the units in every line.]] Kilometres divided by hours
    give a speed; [[hours divided by kilometres do not|the other order gives something else]].
    """,
    percentage_change,
    share_in_ratio,
    speed,
    unit_price,
)

ORDER = topic(
    "order-of-operations",
    """
    The order of operations
    Signed numbers, brackets and powers
    Evaluating expressions in the right order
    """,
    r"""
    [[An expression must mean the same to everyone who reads it.|Mathematicians agreed on an order long ago.]] Brackets
    come first, then powers, then products and quotients, and sums and differences last.
    [[Operations of the same rank are done from left to right.|Among equals we go from left to right.]]

    [[A minus sign before a bracket changes every sign inside.|Subtracting a bracket reverses all its signs.]] In symbols,
    $-(a - b) = -a + b$. [[This is the distributive law with the factor $-1$.|Think of it as multiplying by $-1$.]]

    The product of two negative numbers is positive, [[and that of a negative and a positive number is negative|and unlike
    signs give a negative product]]. [[The pattern $3 \times (-2) = -6$, $2 \times (-2) = -4$, $1 \times (-2) = -2$ grows
    by $2$ in each step, so the next ones must be $0$ and $2$.|Like signs give plus, unlike signs give minus.]]

    A power binds more tightly than a sign: $-3^{2} = -9$ but $(-3)^{2} = 9$. [[Brackets make the difference
    visible.|Only with brackets does the sign belong to the base.]]
    """,
    r"""
    [[Write one line for each operation.|Do one thing at a time.]] [[Long expressions go wrong in the head and right on
    paper.|Most slips happen when two steps are made at once.]]

    [[If two people get different answers, compare line by line.|To find a mistake, read the lines from below.]] The first
    line in which they differ [[holds the error|shows where it happened]].
    """,
    order_of_operations,
    negative_brackets,
    product,
)

TOPICS = (PRODUCTS, FRACTIONS, PERCENT, ORDER)
