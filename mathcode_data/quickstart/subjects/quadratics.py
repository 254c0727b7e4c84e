"""Quadratic equations: factoring, the formula, completing the square, and Vieta's relations."""

from fractions import Fraction

from mathcode_data.quickstart.grammar import Draw
from mathcode_data.quickstart.latex import aligned, fraction, monomial, parenthesised, plus, polynomial, root
from mathcode_data.quickstart.topic import Exercise, exercise, topic


def by_factoring(draw: Draw) -> Exercise:
    """Find two numbers with a given sum and product."""
    p, q = draw.integer(-9, 9, besides=(0,)), draw.integer(-12, 12, besides=(0,))
    return exercise(
        draw,
        r"""
        ? [[Solve by factoring|Factor and solve]] $<left> = 0$.
        - [[We look for two numbers with product $<c>$ and sum $<b>$.|Which two numbers multiply to $<c>$ and add up to
          $<b>$?]] [[They are|The pair is]] $<m>$ and $<n>$, since $<m> \times <pn> = <c>$ and $<m> + <pn> = <b>$.
        - [[Therefore|So]] $<left> = (x <sm>)(x <sn>)$.
        - [[A product is zero if one of its factors is|One of the factors must be zero]]: $x = <p>$ or $x = <q>$.
        = $x = <p>$ or $x = <q>$
        """,
        left=polynomial([1, -p - q, p * q]),
        c=p * q,
        b=-p - q,
        m=-p,
        n=-q,
        pn=parenthesised(-q),
        sm=plus(-p),
        sn=plus(-q),
        p=p,
        q=q,
    )


def leading_coefficient(draw: Draw) -> Exercise:
    """Factor ax^2 + bx + c by splitting the middle term."""
    a, p, c, q = draw.integer(2, 5), draw.integer(-7, 7, besides=(0,)), draw.integer(1, 3), draw.integer(-6, 6, besides=(0,))
    middle = a * q + c * p
    return exercise(
        draw,
        r"""
        ? [[Factor and solve|Solve by splitting the middle term]]: $<left> = 0$.
        - [[Multiply the outer coefficients|The product of the outer coefficients is]]
          $<ac> \times <pq> = <outer>$. The numbers $<aq>$ and $<cp>$ have this product and the sum
          $<aq> + <pcp> = <middle>$.
        - [[Split the middle term|Write the middle term as two]] and group:
          $$<first>(<right>) + <psecond>(<right>)$$
        - [[The common bracket comes out|Both groups share a bracket]]: $(<front>)(<right>) = 0$.
        - [[Set each factor to zero|Each factor gives one solution]]: $x = <one>$ or $x = <two>$.
        = $x = <one>$ or $x = <two>$
        """,
        left=polynomial([a * c, middle, p * q]),
        ac=a * c,
        pq=parenthesised(p * q),
        outer=a * c * p * q,
        aq=a * q,
        cp=c * p,
        pcp=parenthesised(c * p),
        middle=middle,
        first=monomial(a, 1),
        right=polynomial([c, q]),
        psecond=parenthesised(p),
        front=polynomial([a, p]),
        one=fraction(Fraction(-p, a)),
        two=fraction(Fraction(-q, c)),
    )


def by_formula(draw: Draw) -> Exercise:
    """Use the quadratic formula; the roots are rational or real."""
    a, b = draw.integer(1, 4), draw.integer(-11, 11, besides=(0,))
    c = draw.integer(-9, 6, besides=(0,))
    while b * b - 4 * a * c <= 0:
        c = draw.integer(-9, 2, besides=(0,))
    d = b * b - 4 * a * c
    whole = int(d**0.5 + 0.5)
    if whole * whole == d:
        last = rf"the roots are $x = {fraction(Fraction(-b + whole, 2 * a))}$ and $x = {fraction(Fraction(-b - whole, 2 * a))}$"
        answer = rf"$x = {fraction(Fraction(-b + whole, 2 * a))}$ or $x = {fraction(Fraction(-b - whole, 2 * a))}$"
    else:
        one, two = (-b + d**0.5) / (2 * a), (-b - d**0.5) / (2 * a)
        last = rf"in decimals $x \approx {one:.3f}$ and $x \approx {two:.3f}$"
        answer = rf"$x = \frac{{{-b} \pm {root(d)}}}{{{2 * a}}}$"
    return exercise(
        draw,
        r"""
        ? [[Solve with the quadratic formula|Use the formula to solve]] $$<left> = 0$$
        - [[Here|We read off]] $a = <a>$, $b = <b>$ and $c = <c>$.
        - The discriminant is $<pb>^{2} - 4 \times <a> \times <pc> = <bb> <ac4> = <d>$, [[which is positive|more than
          zero]], so there are two [[real solutions|solutions]].
        - [[Insert everything|The formula gives]] $$x = \frac{<minus_b> \pm \sqrt{<d>}}{<two_a>}$$
        - [[Evaluated|As numbers]], <last>.
        = <answer>
        """,
        left=polynomial([a, b, c]),
        a=a,
        b=b,
        c=c,
        pb=parenthesised(b),
        pc=parenthesised(c),
        bb=b * b,
        ac4=plus(-4 * a * c),
        d=d,
        minus_b=-b,
        two_a=2 * a,
        last=last,
        answer=answer,
    )


def count_solutions(draw: Draw) -> Exercise:
    """The discriminant decides how many real solutions there are."""
    a, b = draw.integer(1, 6), 2 * draw.integer(-6, 6, besides=(0,))
    c = draw.pick((draw.integer(-8, 12), b * b // (4 * a) if b * b % (4 * a) == 0 else draw.integer(1, 9)))
    d = b * b - 4 * a * c
    verdict = "two real solutions" if d > 0 else "no real solution" if d < 0 else "exactly one real solution"
    where = "above" if d > 0 else "below" if d < 0 else "equal to"
    return exercise(
        draw,
        r"""
        ? How many real solutions [[has the equation|are there of]] $<left> = 0$?
        - [[Compute the discriminant|The number under the root decides]]: $b^{2} - 4ac = <bb> <ac4> = <d>$.
        - [[It is|This is]] <where> zero, so [[the equation has|we have]] <verdict>.
        = <verdict>
        """,
        left=polynomial([a, b, c]),
        bb=b * b,
        ac4=plus(-4 * a * c),
        d=d,
        where=where,
        verdict=verdict,
    )


def complete_square(draw: Draw) -> Exercise:
    """Bring x^2 + bx + c to vertex form."""
    h, k = draw.integer(-9, 9, besides=(0,)), draw.integer(-15, 15, besides=(0,))
    return exercise(
        draw,
        r"""
        ? [[Complete the square|Write in vertex form]]: $y = <poly>$.
        - [[Half of the middle coefficient is|Take half of the coefficient of $x$]]: $<b> \div 2 = <half>$, and its square
          is $<hh>$.
        - [[Add and subtract the square|Insert the square and take it away again]]:
          $$<derivation>$$
        - [[So the vertex is|The lowest point of the parabola is]] $(<h>, <k>)$.
        = $y = (x <s>)^{2} <pk>$
        """,
        poly=polynomial([1, -2 * h, h * h + k]),
        b=-2 * h,
        half=-h,
        hh=h * h,
        h=h,
        k=k,
        s=plus(-h),
        pk=plus(k),
        derivation=aligned(f"y &= {polynomial([1, -2 * h, h * h])} - {h * h} {plus(h * h + k)}", f"&= (x {plus(-h)})^{{2}} {plus(k)}"),
    )


def solve_by_square(draw: Draw) -> Exercise:
    """Solve x^2 + bx = c by completing the square."""
    h, r = draw.integer(-9, 9, besides=(0,)), draw.integer(1, 12)
    c = r * r - h * h
    return exercise(
        draw,
        r"""
        ? [[Solve|Find both solutions of]] $<left> = <c>$ by completing the square.
        - [[Add|On both sides add]] $<hh>$, [[the square of half the middle coefficient|which makes a square on the left]]:
          $(x <s>)^{2} = <c> + <hh> = <rr>$.
        - [[Take roots|The square root has two signs]]: $x <s> = <r>$ or $x <s> = -<r>$.
        - [[So|Hence]] $x = <r> <h> = <one>$ or $x = -<r> <h> = <two>$.
        = $x = <one>$ or $x = <two>$
        """,
        left=polynomial([1, -2 * h, 0]),
        c=c,
        hh=h * h,
        s=plus(-h),
        rr=r * r,
        r=r,
        h=plus(h),
        one=r + h,
        two=h - r,
    )


def vieta(draw: Draw) -> Exercise:
    """Sum, product and sum of squares of the roots without solving."""
    p, q = draw.integer(-9, 9, besides=(0,)), draw.integer(-9, 9, besides=(0,))
    s, t = p + q, p * q
    return exercise(
        draw,
        r"""
        ? The equation $<left> = 0$ has the roots $r$ and $s$. [[Without solving it, find|Find]] $r^{2} + s^{2}$.
        - [[By Vieta|The coefficients tell us that]] $r + s = <sum>$ and $rs = <prod>$.
        - [[Square the sum|The square of the sum is]] $(r + s)^{2} = r^{2} + 2rs + s^{2}$.
        - [[Hence|Therefore]] $r^{2} + s^{2} = <psum>^{2} - 2 \times <pprod> = <ss> <t2> = <result>$.
        = $<result>$
        """,
        left=polynomial([1, -s, t]),
        sum=s,
        prod=t,
        psum=parenthesised(s),
        pprod=parenthesised(t),
        ss=s * s,
        t2=plus(-2 * t),
        result=s * s - 2 * t,
    )


def build_equation(draw: Draw) -> Exercise:
    """The monic equation with given roots."""
    p, q = draw.integer(-10, 10, besides=(0,)), draw.integer(-10, 10, besides=(0,))
    return exercise(
        draw,
        r"""
        ? [[Find a quadratic equation|Write down the monic quadratic equation]] with the roots $<p>$ and $<q>$.
        - [[The sum of the roots|Their sum]] is $<p> + <pq> = <s>$ and [[the product|their product]] is
          $<p> \times <pq> = <t>$.
        - [[The equation|A monic equation]] is $x^{2} - (r + s)x + rs = 0$, [[here|that is]] $<poly> = 0$.
        = $<poly> = 0$
        """,
        p=p,
        q=q,
        pq=parenthesised(q),
        s=p + q,
        t=p * q,
        poly=polynomial([1, -p - q, p * q]),
    )


def rectangle(draw: Draw) -> Exercise:
    """A word problem which leads to a quadratic equation."""
    w, extra = draw.integer(4, 25), draw.integer(2, 12)
    what = draw.pick(("vegetable bed", "carpet", "courtyard", "sheet of plywood", "playground", "fish pond"))
    return exercise(
        draw,
        r"""
        ? A rectangular <what> is $<extra>$ [[units|metres]] longer than it is wide. Its area is $<area>$
          [[in square units|square metres]]. [[How wide is it?|Find its width.]]
        - [[Let $x$ be the width|Call the width $x$]]. Then $x(x + <extra>) = <area>$, or $x^{2} + <extra>x - <area> = 0$.
        - [[Factor|The left side factors]]: $(x - <w>)(x + <long>) = 0$, [[because|as]] $<w> \times <long> = <area>$ and
          $<long> - <w> = <extra>$.
        - [[A width is positive|Only the positive root makes sense]], so $x = <w>$.
        = $<w>$
        """,
        what=what,
        extra=extra,
        area=w * (w + extra),
        w=w,
        long=w + extra,
    )


FACTORING = topic(
    "factoring-quadratics",
    """
    Solving quadratic equations by factoring
    Factoring trinomials
    Quadratic equations as products
    """,
    r"""
    [[A quadratic equation contains the square of the unknown|In a quadratic equation the unknown is squared]] and can be
    written as $ax^{2} + bx + c = 0$ with $a \ne 0$. [[Factoring is the quickest way to solve it when the roots are whole
    numbers.|If the left side splits into two factors, the solution can be read off.]]

    [[Everything rests on one fact|The key is the zero product rule]]: if $uv = 0$, then $u = 0$ or $v = 0$. [[This is why
    one side has to be zero before we factor.|The rule fails for any other number on the right.]]

    Expanding $(x + m)(x + n)$ gives $x^{2} + (m + n)x + mn$. [[So we look for two numbers whose sum is the middle
    coefficient and whose product is the last one.|Reading this backwards, the sum and the product of $m$ and $n$ are
    given and the numbers are wanted.]]

    [[List the pairs of divisors of the constant term.|The constant term has only a few pairs of divisors.]] [[If it is
    positive, both numbers have the same sign; if it is negative, the signs differ.|Its sign tells whether the two numbers
    have equal signs.]] Then [[pick the pair with the right sum|compare the sums]].

    [[With a leading coefficient other than one, split the middle term.|For $a \ne 1$ there is a method called grouping.]]
    Find two numbers with product $ac$ and sum $b$, [[write $bx$ as two terms and take common factors out of
    pairs|replace the middle term and group the four terms in twos]].
    """,
    r"""
    [[Do not divide by $x$.|Dividing both sides by $x$ loses a solution.]] In $x^{2} = 5x$ the number $0$ is a root,
    [[which disappears when $x$ is cancelled|and cancelling would hide it]].

    [[Not every trinomial factors over the integers.|Some quadratics have no integer factors.]] [[If no pair works, use the
    formula instead|Then the quadratic formula is the way out]].
    """,
    by_factoring,
    leading_coefficient,
    rectangle,
)

FORMULA = topic(
    "quadratic-formula",
    """
    The quadratic formula
    The discriminant and the quadratic formula
    Solving any quadratic equation with one formula
    """,
    r"""
    [[Every quadratic equation can be solved by one formula.|There is a formula which solves all quadratic equations.]] If
    $ax^{2} + bx + c = 0$ and $a \ne 0$, then $$x = \frac{-b \pm \sqrt{b^{2} - 4ac}}{2a}$$

    [[The formula comes from completing the square.|Where does it come from?]] Divide by $a$, move $\frac{c}{a}$ to the
    right, and add $\frac{b^{2}}{4a^{2}}$ on both sides. [[The left side is then the square of $x + \frac{b}{2a}$.|On the
    left there is now a perfect square.]]

    The number $D = b^{2} - 4ac$ is called the discriminant. [[It tells how many real solutions there are|It separates
    three cases]]: two if $D > 0$, one if $D = 0$, and none if $D < 0$. [[In the last case the root of a negative number
    would be needed.|A negative number has no real square root.]]

    [[On the graph the solutions are the points where the parabola meets the $x$-axis.|The parabola $y = ax^{2} + bx + c$
    shows the same cases.]] [[It cuts the axis twice, touches it, or misses it.|It may cross the axis, touch it in its
    vertex, or stay on one side.]]

    If $D$ is a square number, the roots are rational, [[and the trinomial could have been factored|so factoring would have
    worked]]. [[Otherwise simplify the root|If not, take square factors out of the root]], as in $\sqrt{12} = 2\sqrt{3}$.
    """,
    r"""
    [[Bring the equation into standard form before reading off $a$, $b$ and $c$.|The formula needs zero on one side.]]
    [[A missing term has the coefficient $0$.|If a term is absent, its coefficient is zero.]]

    [[The whole numerator is divided by $2a$.|The fraction bar reaches under both terms.]] [[To divide only the root is a
    common error.|Many mistakes come from dividing the root alone.]]

    [[The sign of $b$ deserves care.|Watch the sign in $-b$.]] If $b$ is negative, then $-b$ is positive, and
    $b^{2}$ [[is positive in any case|never is negative]].
    """,
    by_formula,
    count_solutions,
    by_factoring,
)

SQUARE = topic(
    "completing-the-square",
    """
    Completing the square
    Vertex form of a parabola
    From standard form to vertex form
    """,
    r"""
    [[The idea is to make a perfect square appear.|A square is easier to understand than a trinomial.]] Since
    $(x + h)^{2} = x^{2} + 2hx + h^{2}$, [[the last term must be the square of half the middle coefficient|half the middle
    coefficient, squared, is what has to be added]].

    [[What is added must be taken away again|Adding something would change the expression]], so we write
    $x^{2} + bx = (x + \frac{b}{2})^{2} - \frac{b^{2}}{4}$. [[Nothing was changed, only rearranged.|Both sides agree for
    every $x$.]]

    The graph of $y = (x - h)^{2} + k$ is the parabola $y = x^{2}$ [[shifted by $h$ to the right and $k$ up|moved so that
    its vertex lies at $(h, k)$]]. [[A square is never negative, so $k$ is the least value of $y$.|The least value is
    taken where the square is zero.]]

    [[In old geometry books this was done with tiles.|The name is meant literally.]] A square of side $x$ and two strips of
    length $x$ and width $\frac{b}{2}$ [[form a larger square with one corner missing|leave a small square corner
    empty]]. [[Filling the corner completes the square.|The corner has the area $\frac{b^{2}}{4}$.]]
    """,
    r"""
    [[The sign inside the bracket is opposite to the coordinate of the vertex.|Mind the sign of $h$.]] In
    $(x + 3)^{2}$ the vertex lies at $x = -3$, [[where the bracket is zero|because there the bracket vanishes]].

    [[After taking the root, write both signs.|A square root has two signs.]] [[Forgetting one of them loses a
    solution.|With one sign only, half of the answer is missing.]]
    """,
    complete_square,
    solve_by_square,
)

VIETA = topic(
    "roots-and-coefficients",
    """
    Roots and coefficients
    Vieta's relations for quadratic equations
    Sum and product of the roots
    """,
    r"""
    [[The coefficients of a quadratic equation know its roots.|Roots and coefficients are closely tied.]] If $r$ and $s$
    are the roots of $x^{2} + bx + c = 0$, then $r + s = -b$ and $rs = c$. [[To see it, expand $(x - r)(x - s)$.|The proof
    is to expand $(x - r)(x - s)$ and compare.]]

    [[The relations check solutions at once.|They make a quick test.]] [[If the two roots you found do not have the right
    sum and product, there is a mistake.|Add your roots and multiply them, and look at the coefficients.]]

    [[Symmetric expressions of the roots can be found without solving.|Many expressions in $r$ and $s$ need no roots.]]
    For example $r^{2} + s^{2} = (r + s)^{2} - 2rs$ and $\frac{1}{r} + \frac{1}{s} = \frac{r + s}{rs}$.

    [[The relations also build equations with prescribed roots|In the other direction they make equations to order]]:
    $$x^{2} - (r + s)x + rs = 0$$ [[has the roots $r$ and $s$|is solved by $r$ and by $s$]].
    """,
    r"""
    [[The minus sign belongs to the sum and not to the product.|Only the sum changes its sign.]] [[Mixing this up gives
    roots with wrong signs.|With two positive roots the middle coefficient is negative.]]

    [[For a leading coefficient $a$ divide by it first.|If $a \ne 1$, divide the equation by $a$.]] Then
    $r + s = -\frac{b}{a}$ and $rs = \frac{c}{a}$.
    """,
    vieta,
    build_equation,
    by_factoring,
)

TOPICS = (FACTORING, FORMULA, SQUARE, VIETA)
