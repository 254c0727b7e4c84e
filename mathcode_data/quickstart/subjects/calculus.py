"""Calculus: derivatives, tangents and extrema, integrals, limits."""

from fractions import Fraction

from mathcode_data.quickstart.grammar import Draw
from mathcode_data.quickstart.latex import aligned, fraction, monomial, parenthesised, plus, polynomial
from mathcode_data.quickstart.topic import Exercise, exercise, topic


def derive(coefficients: list[int]) -> list[int]:
    """The coefficients of the derivative, highest power first."""
    degree = len(coefficients) - 1
    return [coefficient * (degree - index) for index, coefficient in enumerate(coefficients[:-1])]


def value_at(coefficients: list[int], x: int) -> int:
    """The value of a polynomial (Horner)."""
    result = 0
    for coefficient in coefficients:
        result = result * x + coefficient
    return result


def power_rule(draw: Draw) -> Exercise:
    """Differentiate a cubic and evaluate."""
    f = [draw.integer(-6, 7, besides=(0,)) for _ in range(3)] + [draw.integer(-9, 9, besides=(0,))]
    x = draw.integer(-3, 4)
    g = derive(f)
    terms = "$, $".join(f"({monomial(c, 3 - i)})' = {monomial(c * (3 - i), 2 - i)}" for i, c in enumerate(f[:3]))
    return exercise(
        draw,
        r"""
        ? [[Differentiate|Find the derivative of]] $f(x) = <f>$ and [[compute|evaluate]] $f'(<x>)$.
        - [[Each term is differentiated on its own|Term by term]]: $<terms>$, and the constant [[vanishes|gives zero]].
        - [[Together|So]] $$f'(x) = <g>$$
        - [[At this point|Put in the value]]: $f'(<x>) = <g2> \times <px>^{2} <g1> \times <px> <g0> = <value>$.
        = $f'(x) = <g>$, $f'(<x>) = <value>$
        """,
        f=polynomial(f),
        x=x,
        px=parenthesised(x),
        terms=terms,
        g=polynomial(g),
        g2=g[0],
        g1=plus(g[1]),
        g0=plus(g[2]),
        value=value_at(g, x),
    )


def product_rule(draw: Draw) -> Exercise:
    """The product rule, checked by expanding."""
    a, b, c, d = (draw.integer(1, 7) for _ in range(4))
    return exercise(
        draw,
        r"""
        ? [[Use the product rule on|Differentiate with the product rule]] $f(x) = (<u>)(<v>)$.
        - [[The factors and their derivatives are|Let]] $u = <u>$ with $u' = <du>$ and $v = <v>$ with $v' = <c>$.
        - [[The rule says|By the rule]] $f' = u'v + uv'$: $$f'(x) = <du>(<v>) + <c>(<u>)$$
        - [[Expanded|Multiplied out]], this is $<first> + <second> = <sum>$.
        = $f'(x) = <sum>$
        """,
        u=polynomial([a, 0, b]),
        v=polynomial([c, d]),
        du=f"{2 * a}x",
        c=c,
        first=polynomial([2 * a * c, 2 * a * d, 0]),
        second=polynomial([a * c, 0, b * c]),
        sum=polynomial([3 * a * c, 2 * a * d, b * c]),
    )


def chain_rule(draw: Draw) -> Exercise:
    """The chain rule for a power of a linear function."""
    a, b, n = draw.integer(2, 9), draw.integer(-9, 9, besides=(0,)), draw.integer(3, 9)
    return exercise(
        draw,
        r"""
        ? [[Differentiate|Find the derivative of]] $f(x) = (<inner>)^{<n>}$.
        - [[The outer function is|Outside stands]] $u^{<n>}$ with the derivative $<n>u^{<m>}$; the inner one is $u = <inner>$
          with $u' = <a>$.
        - [[Multiply outer and inner derivative|The chain rule multiplies both]]: $<n> \times <a> = <na>$.
        - [[So|Hence]] $f'(x) = <na>(<inner>)^{<m>}$.
        = $f'(x) = <na>(<inner>)^{<m>}$
        """,
        inner=polynomial([a, b]),
        n=n,
        m=n - 1,
        a=a,
        na=n * a,
    )


def tangent(draw: Draw) -> Exercise:
    """The tangent of a parabola."""
    f = [draw.integer(1, 5), draw.integer(-8, 8, besides=(0,)), draw.integer(-9, 9, besides=(0,))]
    x = draw.integer(-4, 5)
    slope, y = 2 * f[0] * x + f[1], value_at(f, x)
    return exercise(
        draw,
        r"""
        ? [[Find the tangent to|Find the line which touches]] the curve $y = <f>$ at $x = <x>$.
        - [[The point of contact|The point on the curve]] has $y = <a> \times <px>^{2} <b> \times <px> <c> = <y>$.
        - [[The derivative is|Differentiate]]: $y' = <df>$, so the slope is $<da> \times <px> <b> = <m>$.
        - [[The tangent is|With point and slope]] $y = <m>(x <minus_x>) <py> = <line>$.
        = $y = <line>$
        """,
        f=polynomial(f),
        x=x,
        px=parenthesised(x),
        a=f[0],
        b=plus(f[1]),
        c=plus(f[2]),
        y=y,
        df=polynomial(derive(f)),
        da=2 * f[0],
        m=slope,
        minus_x=plus(-x),
        py=plus(y),
        line=polynomial([slope, y - slope * x]),
    )


def extrema(draw: Draw) -> Exercise:
    """Local extrema of a cubic with whole critical points."""
    p = draw.integer(-5, 3)
    q = p + 2 * draw.integer(1, 3)
    f = [2, -3 * (p + q), 6 * p * q, draw.integer(-9, 9)]
    return exercise(
        draw,
        r"""
        ? [[Find the local extrema of|Where does this function have a maximum and a minimum]]: $$f(x) = <f>$$
        - [[The derivative|Differentiate]]: $f'(x) = <g>$, [[which factors as|in factored form]] $6(x <mp>)(x <mq>)$.
        - [[It is zero at|The critical points are]] $x = <p>$ and $x = <q>$.
        - [[The second derivative decides: it is|Look at]] $f''(x) = <h>$: $f''(<p>) = <hp>$ is negative, so there is a maximum,
          and $f''(<q>) = <hq>$ is positive, [[a minimum|so there is a minimum]].
        - [[The values are|The heights are]] $f(<p>) = <fp>$ and $f(<q>) = <fq>$.
        = maximum $(<p>, <fp>)$, minimum $(<q>, <fq>)$
        """,
        f=polynomial(f),
        g=polynomial(derive(f)),
        mp=plus(-p),
        mq=plus(-q),
        p=p,
        q=q,
        h=polynomial(derive(derive(f))),
        hp=12 * p - 6 * (p + q),
        hq=12 * q - 6 * (p + q),
        fp=value_at(f, p),
        fq=value_at(f, q),
    )


def fence(draw: Draw) -> Exercise:
    """The largest rectangle for a given length of fence along a wall."""
    x = draw.integer(6, 45)
    who = draw.pick(("farmer", "gardener", "school", "zoo", "neighbour"))
    return exercise(
        draw,
        r"""
        ? A <who> has $<length>$ metres of fence for a rectangular [[field|plot]] along a straight wall; the wall needs no
          fence. [[Which rectangle has the largest area?|How large can the area be?]]
        - [[Let $x$ be the side at right angles to the wall|Call the two equal sides $x$]]. The third side is
          $<length> - 2x$, so $A(x) = x(<length> - 2x) = <length>x - 2x^{2}$.
        - [[Set the derivative to zero|At the maximum the derivative is zero]]: $A'(x) = <length> - 4x = 0$, hence
          $x = <length> \div 4 = <x>$.
        - [[The other side is|So the long side is]] $<length> - 2 \times <x> = <side>$ and the area
          $<x> \times <side> = <area>$.
        = $<x>$ by $<side>$ metres, area $<area>$
        """,
        who=who,
        length=4 * x,
        x=x,
        side=2 * x,
        area=2 * x * x,
    )


def integral(draw: Draw) -> Exercise:
    """A definite integral of a quadratic."""
    a, b, c = 3 * draw.integer(1, 4), 2 * draw.integer(-5, 5, besides=(0,)), draw.integer(-6, 8, besides=(0,))
    low = draw.integer(-2, 2)
    high = low + draw.integer(1, 4)
    prim = [a // 3, b // 2, c, 0]
    top, bottom = value_at(prim, high), value_at(prim, low)
    return exercise(
        draw,
        r"""
        ? [[Evaluate|Compute the integral]] $$\int_{<low>}^{<high>} \left(<f>\right) \, dx$$
        - [[A primitive is|An antiderivative is]] $F(x) = <prim>$, [[since|because]] $F'(x) = <f>$.
        - [[At the upper end|The upper limit gives]] $F(<high>) = <top>$, [[at the lower end|the lower one]]
          $F(<low>) = <bottom>$.
        - [[The integral is the difference|Subtract]]: $<top> - <pb> = <result>$.
        = $<result>$
        """,
        low=low,
        high=high,
        f=polynomial([a, b, c]),
        prim=polynomial(prim),
        top=top,
        bottom=bottom,
        pb=parenthesised(bottom),
        result=top - bottom,
    )


def area_between(draw: Draw) -> Exercise:
    """The area between a parabola and a line."""
    p = draw.integer(-4, 3)
    q = p + draw.integer(2, 6)
    width = q - p
    return exercise(
        draw,
        r"""
        ? [[Find the area enclosed by|Compute the area between]] $y = x^{2}$ and the line $y = <line>$.
        - [[They meet where|The curves meet where]] $<equation> = 0$, [[that is at|so at]] $x = <p>$ and $x = <q>$.
        - [[Between these points the line is above|In between the line lies higher]], so the area is
          $$A = \int_{<p>}^{<q>} \left(<difference>\right) \, dx$$
        - [[For such a parabola segment|By the rule for parabola segments]] this is
          $\frac{(<q> - <pp>)^{3}}{6} = \frac{<cube>}{6} = <area>$.
        = $<area>$
        """,
        line=polynomial([p + q, -p * q]),
        equation=polynomial([1, -p - q, p * q]),
        p=p,
        q=q,
        pp=parenthesised(p),
        difference=polynomial([-1, p + q, -p * q]),
        cube=width**3,
        area=fraction(Fraction(width**3, 6)),
    )


def limit_by_factoring(draw: Draw) -> Exercise:
    """A limit of the form 0/0."""
    a, b = draw.integer(-7, 7, besides=(0,)), draw.integer(-9, 9, besides=(0,))
    b = b + 1 if a + b == 0 else b
    return exercise(
        draw,
        r"""
        ? [[Find the limit|Evaluate]] $$\lim_{x \to <a>} \frac{<top>}{x <ma>}$$
        - [[Inserting $x = <a>$ gives $\frac{0}{0}$|At $x = <a>$ both parts are zero]], so we [[factor|rewrite the
          numerator]]: $<top> = (x <ma>)(x <pb>)$.
        - [[Cancel the common factor|For $x \ne <a>$ the factor cancels]], which leaves $x <pb>$.
        - [[Now insert|The limit is]] $<a> <pb> = <result>$.
        = $<result>$
        """,
        a=a,
        top=polynomial([1, b - a, -a * b]),
        ma=plus(-a),
        pb=plus(b),
        result=a + b,
    )


def limit_at_infinity(draw: Draw) -> Exercise:
    """A limit of a rational function at infinity."""
    a, b, c, d = draw.integer(2, 15), draw.integer(-9, 9, besides=(0,)), draw.integer(2, 12), draw.integer(1, 20)
    return exercise(
        draw,
        r"""
        ? [[What happens to|What is the limit of]] $\frac{<top>}{<bottom>}$ as $x \to \infty$?
        - [[Divide top and bottom by|Take out]] $x^{2}$: $$<derivation>$$
        - [[Everything over $x$ or $x^{2}$ tends to zero|The small fractions vanish]], so the limit is
          $\frac{<a>}{<c>} = <result>$.
        = $<result>$
        """,
        top=polynomial([a, b, 0]),
        bottom=polynomial([c, 0, d]),
        a=a,
        c=c,
        result=fraction(Fraction(a, c)),
        derivation=aligned(
            rf"\frac{{{polynomial([a, b, 0])}}}{{{polynomial([c, 0, d])}}} "
            rf"&= \frac{{{a} {plus(b)} \frac{{1}}{{x}}}}{{{c} {plus(d)} \frac{{1}}{{x^{{2}}}}}}"
        ),
    )


DERIVATIVES = topic(
    "derivatives",
    """
    Derivatives and their rules
    How to differentiate
    The power, product and chain rule
    """,
    r"""
    [[The derivative measures how fast a function changes.|The derivative is the slope of the graph at a point.]] It is
    defined by $$f'(x) = \lim_{h \to 0} \frac{f(x + h) - f(x)}{h}$$ [[The fraction is the slope of a line through two
    points of the graph.|Before the limit, the quotient is an average rate of change.]]

    [[For $f(x) = x^{2}$ the computation is short.|Take the square function as a first example.]] The difference
    $(x + h)^{2} - x^{2}$ is $2xh + h^{2}$. [[Divided by $h$ this is $2x + h$|After division by $h$ there remains
    $2x + h$]], which tends to $2x$.

    [[In general, the exponent comes to the front and is lowered by one|The power rule follows a simple pattern]]:
    $(x^{n})' = n x^{n-1}$. [[Sums are differentiated term by term and constant factors stay.|Together with sums and
    constant factors this settles all polynomials.]]

    [[The derivative of a product is not the product of the derivatives.|For products there is a rule of its own]]:
    $(uv)' = u'v + uv'$. [[Think of a rectangle whose two sides grow|A growing rectangle explains it]]: the area gains one
    strip along each side.

    [[A function inside a function needs the chain rule|Nested functions follow the chain rule]]:
    $(f(g(x)))' = f'(g(x)) g'(x)$. [[Rates multiply, as gears do.|Two gears in a row multiply their rates.]]
    """,
    r"""
    [[Constants vanish, constant factors stay.|Do not confuse a constant term with a constant factor.]] [[The derivative of
    $7$ is $0$ but that of $7x$ is $7$.|From $5x + 3$ only the $5$ is left.]]

    [[Do not forget the inner derivative.|The inner derivative is easily lost.]] [[The derivative of $(3x + 1)^{2}$ is
    $6(3x + 1)$.|For $(2x)^{3} = 8x^{3}$ the derivative is $24x^{2}$, as both ways must show.]]
    """,
    power_rule,
    product_rule,
    chain_rule,
)

EXTREMA = topic(
    "tangents-and-extrema",
    """
    Tangents, maxima and minima
    Using the derivative: extrema
    Optimisation with derivatives
    """,
    r"""
    [[Near a point, a smooth curve looks like its tangent.|The tangent is the line that fits the curve best at a point.]]
    Its equation is $y = f(a) + f'(a)(x - a)$. [[It has the same value and the same slope as the curve.|Both value and slope
    agree with those of the curve.]]

    [[At a local maximum or minimum inside an interval the tangent is horizontal|Where a function turns, its slope is
    zero]], so $f'(x) = 0$ there. [[The converse fails|Not every zero of the derivative is an extremum]]: $x^{3}$ has slope
    zero at $0$ and goes on rising.

    [[The second derivative tells which kind it is.|To tell a peak from a valley, look at $f''$.]] If $f''(x) < 0$, the curve
    bends down and there is a maximum; [[if $f''(x) > 0$, there is a minimum|with the opposite sign it is a minimum]].

    [[Problems about the best shape become problems about a maximum.|Optimisation starts with a formula.]] [[Express the
    quantity by one variable, differentiate, and set the derivative to zero.|Write the quantity as a function of one
    unknown and find where its slope vanishes.]] [[At the end compare with the ends of the interval.|The ends of the
    domain must be looked at separately.]]
    """,
    r"""
    [[Answer the question that was asked.|Read the question again at the end.]] [[Sometimes the place is wanted and sometimes
    the value.|A position is not the same as a largest value.]]

    [[Check that the function is defined there.|A critical point outside the domain does not count.]] [[Negative lengths can
    be dropped at once.|Lengths and numbers of things cannot be negative.]]
    """,
    tangent,
    extrema,
    fence,
)

INTEGRALS = topic(
    "integrals",
    """
    Integrals and areas
    The fundamental theorem of calculus
    Definite integrals of polynomials
    """,
    r"""
    [[The integral adds up infinitely many thin slices.|An integral is a limit of sums.]] $\int_{a}^{b} f(x) \, dx$ [[is the
    area under the graph between $a$ and $b$|measures the area between the graph and the axis]]; parts below the axis count
    as negative.

    [[Summing and differentiating are inverse to each other.|The fundamental theorem connects areas and slopes.]] If
    $F' = f$, then $$\int_{a}^{b} f(x) \, dx = F(b) - F(a)$$ [[So an area problem becomes a search for a primitive.|We only
    need one function whose derivative is $f$.]]

    [[For powers the rule is the power rule backwards|Powers are integrated by raising the exponent]]:
    $\int x^{n} \, dx = \frac{x^{n+1}}{n+1} + C$ for $n \ne -1$. [[The constant $C$ is free|Primitives differ by a
    constant]], because constants vanish when we differentiate.

    [[The area between two curves is the integral of their difference.|To get the area between two graphs, integrate upper
    minus lower.]] [[First find where they meet|The points of intersection are the limits]], and check which one is
    above.
    """,
    r"""
    [[Differentiate your primitive.|Every integration can be checked.]] [[If the derivative is not the function you started
    with, something is wrong.|Taking the derivative must give the integrand back.]]

    [[Brackets save signs.|Put the second value in brackets.]] [[A negative value at the lower limit is added in the
    end.|Subtracting a negative number means adding.]]
    """,
    integral,
    area_between,
)

LIMITS = topic(
    "limits",
    """
    Limits of functions
    What happens near a point: limits
    Computing limits
    """,
    r"""
    [[A limit describes what a function does near a point|The limit looks at the neighbourhood of a point]], not at the point
    itself. [[We write|In symbols]] $\lim_{x \to a} f(x) = L$ if $f(x)$ [[comes as close to $L$ as we like|stays within any
    given distance of $L$]] for all $x$ close enough to $a$.

    [[Sums and products of limits behave as expected.|Limits may be added and multiplied.]] [[Quotients do too, as long as
    the denominator does not tend to zero.|For quotients the limit of the denominator must not be zero.]]

    [[The form $\frac{0}{0}$ says nothing yet.|If top and bottom both tend to zero, more work is needed.]] [[Often a common
    factor can be cancelled|Factor and cancel]], after which the value can be inserted. [[That is exactly how derivatives
    are computed.|Every derivative is a limit of this form.]]

    [[For large $x$ the highest powers decide.|Far out only the leading terms matter.]] Dividing by the highest power of the
    denominator shows it: $$\lim_{x \to \infty} \frac{1}{x} = 0$$ [[and the same for higher powers|and all smaller terms
    die out]].
    """,
    r"""
    [[Infinity is not a number.|Do not calculate with $\infty$.]] [[The form $\infty - \infty$ can be anything.|Expressions
    such as $\frac{\infty}{\infty}$ have no fixed value.]]

    [[A table of values supports the result but does not prove it.|Try a few values close to the point.]] [[Numbers such as
    $a + 0.01$ and $a - 0.01$ show the trend.|From both sides the values should approach the same number.]]
    """,
    limit_by_factoring,
    limit_at_infinity,
)

TOPICS = (DERIVATIVES, EXTREMA, INTEGRALS, LIMITS)
