"""Algebra: linear equations, simultaneous equations, inequalities, powers and factoring."""

from fractions import Fraction
from math import gcd

from mathcode_data.quickstart.grammar import Draw
from mathcode_data.quickstart.latex import aligned, fraction, monomial, parenthesised, plus, polynomial
from mathcode_data.quickstart.topic import Exercise, exercise, topic


def two_step(draw: Draw) -> Exercise:
    """Solve ax + b = c."""
    a, x, b = draw.integer(2, 12), draw.integer(-9, 12), draw.integer(-20, 20, besides=(0,))
    c = a * x + b
    return exercise(
        draw,
        r"""
        ? [[Solve|Find the solution of|Solve for $x$]]: $$<left> = <c>$$
        - [[Remove the constant|Get rid of the number next to the unknown|Undo the constant term]]: [[on both sides we
          <move>|<move_cap> on both sides]], which gives $<ax> = <c> <undo> = <ax_value>$.
        - [[Divide both sides by|Divide by the coefficient]] $<a>$: $x = <ax_value> \div <a> = <x>$.
        - [[Check|Put it back|To be sure, substitute]]: $<a> \times <px> <b> = <ax_value> <b> = <c>$.
        = $x = <x>$
        """,
        left=polynomial([a, b]),
        c=c,
        a=a,
        ax=f"{a}x",
        ax_value=a * x,
        x=x,
        px=parenthesised(x),
        b=plus(b),
        undo=plus(-b),
        move=f"add ${-b}$" if b < 0 else f"subtract ${b}$",
        move_cap=f"Add ${-b}$" if b < 0 else f"Subtract ${b}$",
    )


def both_sides(draw: Draw) -> Exercise:
    """Solve ax + b = cx + d."""
    a, x = draw.integer(5, 14), draw.integer(-8, 10)
    c, b = draw.integer(2, a - 2), draw.integer(-15, 15, besides=(0,))
    d = (a - c) * x + b
    return exercise(
        draw,
        r"""
        ? [[Solve the equation|Find the number $x$ which satisfies|Find $x$ if]] $<left> = <right>$.
        - [[Collect the unknown on the left|Bring all terms with $x$ to one side]]: subtract $<c>x$ and get
          $<only> = <d>$.
        - [[Now move the constant|The constant goes to the right]]: $<k>x = <d> <undo> = <kx>$.
        - [[Dividing by|Division by]] $<k>$ [[leaves|gives]] $x = <x>$.
        - [[Both sides have the value|For this $x$ both sides equal]] $<a> \times <px> <b> = <value>$.
        = $x = <x>$
        """,
        left=polynomial([a, b]),
        right=polynomial([c, d]),
        c=c,
        only=polynomial([a - c, b]),
        d=d,
        k=a - c,
        undo=plus(-b),
        kx=(a - c) * x,
        x=x,
        a=a,
        px=parenthesised(x),
        b=plus(b),
        value=a * x + b,
    )


def with_bracket(draw: Draw) -> Exercise:
    """Solve a(x + b) + c = d."""
    a, b, c, x = draw.integer(2, 9), draw.integer(-9, 9, besides=(0,)), draw.integer(1, 20), draw.integer(-7, 9)
    d = a * (x + b) + c
    return exercise(
        draw,
        r"""
        ? [[Solve|Find all solutions of]] $<a>(x <b>) + <c> = <d>$.
        - [[Expand the bracket|Multiply out|Remove the bracket]]: $<ax> <ab> + <c> = <d>$.
        - [[Combine the constants|Put the numbers together]]: $<poly> = <d>$.
        - [[So|Hence|This means]] $<ax> = <ax_value>$ and $x = <x>$.
        = $x = <x>$
        """,
        a=a,
        b=plus(b),
        c=c,
        d=d,
        ax=f"{a}x",
        ab=plus(a * b),
        poly=polynomial([a, a * b + c]),
        ax_value=a * x,
        x=x,
    )


def number_puzzle(draw: Draw) -> Exercise:
    """Turn words into an equation."""
    a, x, b = draw.integer(3, 9), draw.integer(4, 25), draw.integer(5, 40)
    return exercise(
        draw,
        r"""
        ? [[I think of a number, multiply it by $<a>$ and add $<b>$.|Someone picks a number, multiplies it by $<a>$ and adds
          $<b>$.|A number is multiplied by $<a>$, and $<b>$ is added.]] The result is $<c>$.
          [[What was the number?|Which number was it?]]
        - [[Call the number $x$|Let $x$ be the number]]. The [[story|text]] says $<a>x + <b> = <c>$.
        - [[Take away|Subtract]] $<b>$: $<a>x = <c> - <b> = <ax>$.
        - [[Divide by|Now divide by]] $<a>$: $x = <x>$.
        = $<x>$
        """,
        a=a,
        b=b,
        c=a * x + b,
        ax=a * x,
        x=x,
    )


def elimination(draw: Draw) -> Exercise:
    """Two equations by elimination."""
    x, y = draw.integer(-6, 8), draw.integer(-6, 8)
    a, b, c, d = draw.integer(1, 6), draw.integer(2, 7), draw.integer(2, 6), draw.integer(1, 6)
    while a * d == b * c:
        d = draw.integer(1, 9)
    e, f = a * x + b * y, c * x + d * y
    return exercise(
        draw,
        r"""
        ? [[Solve the system|Find $x$ and $y$ such that]] $$<system>$$
        - [[Multiply|To eliminate $x$, multiply]] the first equation by $<c>$ and the second by $<a>$, so that both begin
          with $<ac>$: $<first> = <ce>$ and $<second> = <af>$.
        - [[Subtract|Take the difference]]: $<k>y = <rest>$, [[so|hence]] $y = <y>$.
        - [[Put this into the first equation|Back in the first equation]]: $<ax> = <e> - (<by>) = <ax_value>$,
          [[which gives|so]] $x = <x>$.
        - The second equation [[serves as a check|confirms it]]: $<c> \times <px> + <d> \times <py> = <f>$.
        = $x = <x>$, $y = <y>$
        """,
        system=aligned(f"{monomial(a, 1)} + {b}y &= {e}", f"{c}x + {monomial(d, 1, 'y')} &= {f}"),
        a=a,
        b=b,
        c=c,
        d=d,
        ac=monomial(a * c, 1),
        first=f"{monomial(a * c, 1)} + {b * c}y",
        second=f"{monomial(a * c, 1)} + {monomial(a * d, 1, 'y')}",
        ce=c * e,
        af=a * f,
        k={1: "", -1: "-"}.get(b * c - a * d, b * c - a * d),
        rest=c * e - a * f,
        y=y,
        x=x,
        e=e,
        f=f,
        ax=monomial(a, 1),
        by=b * y,
        ax_value=a * x,
        px=parenthesised(x),
        py=parenthesised(y),
    )


def substitution(draw: Draw) -> Exercise:
    """Two equations, one solved for y."""
    x, m, n = draw.integer(-6, 7), draw.integer(2, 6), draw.integer(-9, 9, besides=(0,))
    a, b = draw.integer(2, 9), draw.integer(2, 5)
    y = m * x + n
    return exercise(
        draw,
        r"""
        ? [[Use substitution to solve|Solve by substitution]] $y = <line>$ and $<a>x + <b>y = <e>$.
        - [[Replace $y$ in the second equation|The first equation tells us $y$; insert it]]: $<a>x + <b>(<line>) = <e>$.
        - [[Expand and collect|Multiply out]]: $<a>x + <bm>x <bn> = <e>$, [[that is|or]] $<k>x = <kx>$.
        - [[Hence|So]] $x = <x>$, and [[the first equation gives|then]] $y = <m> \times <px> <n> = <y>$.
        = $x = <x>$, $y = <y>$
        """,
        line=polynomial([m, n]),
        a=a,
        b=b,
        e=a * x + b * y,
        bm=b * m,
        bn=plus(b * n),
        k=a + b * m,
        kx=(a + b * m) * x,
        x=x,
        y=y,
        m=m,
        px=parenthesised(x),
        n=plus(n),
    )


def tickets(draw: Draw) -> Exercise:
    """A word problem with two unknowns."""
    adult, child = draw.integer(8, 19), draw.integer(3, 7)
    x, y = draw.integer(12, 90), draw.integer(10, 80)
    place = draw.pick(("museum", "harbour tour", "puppet theatre", "botanical garden", "swimming pool"))
    return exercise(
        draw,
        r"""
        ? [[At a <place>|In a <place>]] an adult pays ¤<adult> and a child ¤<child>. One day $<n>$ tickets were sold for
          ¤<money> [[in all|together]]. How many of [[each kind|them were for children]]?
        - Let $x$ [[count the adults|be the number of adults]] and $y$ the children. Then $x + y = <n>$ and
          $<adult>x + <child>y = <money>$.
        - [[From the first equation|Solve the first one]]: $y = <n> - x$. [[Inserted|Put into the second]], this is
          $<adult>x + <child>(<n> - x) = <money>$.
        - [[Expand|Multiply out]]: $<k>x + <cn> = <money>$, so $<k>x = <kx>$ and $x = <x>$.
        - [[The rest are children|So the children are]] $<n> - <x> = <y>$.
        = $<x>$ adults and $<y>$ children
        """,
        place=place,
        adult=adult,
        child=child,
        n=x + y,
        money=adult * x + child * y,
        k=adult - child,
        cn=child * (x + y),
        kx=(adult - child) * x,
        x=x,
        y=y,
    )


def inequality(draw: Draw) -> Exercise:
    """A linear inequality, possibly with a negative coefficient."""
    a, x, b = draw.integer(-9, 9, besides=(0, 1, -1)), draw.integer(-8, 9), draw.integer(-15, 15, besides=(0,))
    sign, turned = draw.pick(((r"\le", r"\ge"), ("<", ">"), (r"\ge", r"\le"), (">", "<")))
    result = turned if a < 0 else sign
    rule = "is negative, so the sign turns round" if a < 0 else "is positive, so the sign stays"
    return exercise(
        draw,
        r"""
        ? [[Solve the inequality|Find all $x$ with|Solve]] $<left> <sign> <c>$[[|, and draw the solution]].
        - [[Move the constant|Add the opposite of the constant on both sides]]: $<ax> <sign> <c> <undo> = <ax_value>$.
        - [[Divide by|Now divide by]] $<a>$, which <rule>: $x <result> <x>$.
        - [[Test it with|As a test take]] $x = <test>$: $<a> \times <pt> <b> = <value>$, and $<value> <sign> <c>$ [[is
          true|holds]].
        = $x <result> <x>$
        """,
        left=polynomial([a, b]),
        sign=sign,
        c=a * x + b,
        ax=monomial(a, 1),
        undo=plus(-b),
        ax_value=a * x,
        a=a,
        rule=rule,
        result=result,
        x=x,
        b=plus(b),
        test=x + (2 if result in (">", r"\ge") else -2),
        pt=parenthesised(x + (2 if result in (">", r"\ge") else -2)),
        value=a * (x + (2 if result in (">", r"\ge") else -2)) + b,
    )


def absolute_value(draw: Draw) -> Exercise:
    """Solve |ax + b| = c."""
    a, p, q = draw.integer(1, 5), draw.integer(-7, 3), draw.integer(4, 11)
    if (p + q) * a % 2:
        q += 1
    b, c = -a * (p + q) // 2, a * (q - p) // 2
    return exercise(
        draw,
        r"""
        ? [[Find all solutions of|Solve]] $\lvert <left> \rvert = <c>$.
        - [[A number has absolute value $<c>$ if it is $<c>$ or $-<c>$|There are two cases]]: $<left> = <c>$ or
          $<left> = -<c>$.
        - [[The first case|Case one]] gives $<ax> = <ac>$, [[so|and]] $x = <q>$.
        - [[The second case|Case two]] gives $<ax> = <bc>$, [[so|and]] $x = <p>$.
        = $x = <p>$ or $x = <q>$
        """,
        left=polynomial([a, b]),
        c=c,
        ax=monomial(a, 1),
        ac=c - b,
        bc=-c - b,
        p=p,
        q=q,
    )


def powers(draw: Draw) -> Exercise:
    """The laws of exponents with one base."""
    a, m, n = draw.integer(2, 5), draw.integer(4, 9), draw.integer(2, 6)
    k = draw.integer(m + n - 4, m + n - 2)
    return exercise(
        draw,
        r"""
        ? [[Simplify|Write as one power and evaluate]] $$\frac{<a>^{<m>} \times <a>^{<n>}}{<a>^{<k>}}$$
        - [[A product of powers adds the exponents|Multiplying powers of one base adds exponents]]:
          $<a>^{<m>} \times <a>^{<n>} = <a>^{<s>}$, [[because|since]] $<m> + <n> = <s>$.
        - [[A quotient subtracts them|Dividing subtracts exponents]]: $<s> - <k> = <r>$, so $<a>^{<r>}$ is left.
        - [[Its value is|As a number]] $<a>^{<r>} = <value>$.
        = $<a>^{<r>} = <value>$
        """,
        a=a,
        m=m,
        n=n,
        k=k,
        s=m + n,
        r=m + n - k,
        value=a ** (m + n - k),
    )


def expand(draw: Draw) -> Exercise:
    """Multiply two binomials."""
    a, b = draw.integer(1, 6), draw.integer(-9, 9, besides=(0,))
    c, d = draw.integer(1, 6), draw.integer(-9, 9, besides=(0,))
    return exercise(
        draw,
        r"""
        ? [[Expand|Multiply out]] $(<p>)(<q>)$.
        - [[Multiply each term of the first bracket with each of the second|Every term meets every term]]:
          $<ac> <ad> <bc> <bd>$.
        - [[The two middle terms combine|Collect the terms with $x$]]: $<adn>x + (<bcn>x) = <mid>x$.
        - [[The result is|Altogether]] $$(<p>)(<q>) = <result>$$
        = $<result>$
        """,
        p=polynomial([a, b]),
        q=polynomial([c, d]),
        ac=monomial(a * c, 2),
        ad=polynomial([1, a * d, 0])[6:],
        bc=polynomial([1, b * c, 0])[6:],
        bd=plus(b * d),
        adn=a * d,
        bcn=b * c,
        mid=a * d + b * c,
        result=polynomial([a * c, a * d + b * c, b * d]),
    )


def common_factor(draw: Draw) -> Exercise:
    """Factor out the greatest common factor."""
    g, a, b = draw.integer(2, 9), draw.integer(2, 9), draw.integer(1, 9)
    while gcd(a, b) > 1:
        b = draw.integer(1, 9)
    return exercise(
        draw,
        r"""
        ? [[Factor|Write as a product]]: $<ga>x^{2} + <gb>x$.
        - [[The numbers|The coefficients]] $<ga>$ and $<gb>$ have the greatest common divisor $<g>$, and both terms contain
          $x$.
        - [[Take $<g>x$ out|Put $<g>x$ in front]]: $<ga>x^{2} + <gb>x = <g>x(<inner>)$.
        - [[So the expression is zero for|It vanishes at]] $x = 0$ and $x = <zero>$.
        = $<g>x(<inner>)$
        """,
        g=g,
        ga=g * a,
        gb=g * b,
        inner=polynomial([a, b]),
        zero=fraction(Fraction(-b, a)),
    )


LINEAR = topic(
    "linear-equations",
    """
    Solving linear equations
    Linear equations in one unknown
    From balance to solution: linear equations
    """,
    r"""
    [[An equation says that two expressions have the same value.|An equation is a statement that two sides are equal.]]
    [[To solve it is to find every number for which the statement is true.|Solving means finding all numbers that make it
    true.]] In a linear equation the unknown appears only in the first power, as in $ax + b = c$.

    [[Think of a pair of scales.|A balance is a good picture.]] [[Whatever is done to one side must be done to the
    other|Both pans must be treated alike]]: we may add the same number, subtract the same number, or multiply by the same
    number other than zero. [[None of these steps changes the set of solutions.|These steps can all be undone, so no
    solution is lost or gained.]]

    If $a \ne 0$, the equation $ax + b = c$ has exactly one solution, $$x = \frac{c - b}{a}$$ [[The formula is the two
    steps in one line.|It first removes $b$ and then divides by $a$.]]

    [[Brackets are expanded first, like terms are collected next.|A complicated equation is first tidied up.]] Then the
    terms with the unknown go to one side and the numbers to the other. [[A term that changes sides changes its sign|Each
    term that crosses the equals sign changes its sign]], since it was really subtracted from both.

    [[Sometimes the unknown disappears.|Two special cases can occur.]] If what remains is false, such as $3 = 5$, there is
    no solution. [[If it is true, such as $4 = 4$, every number is one.|If what remains is always true, each number
    solves the equation.]]

    [[In word problems the hardest step is to name the unknown.|A text becomes an equation in two moves.]] Write down in a
    full sentence what $x$ stands for. [[Then translate the text, piece by piece.|After that each sentence turns into
    one relation.]]
    """,
    r"""
    [[Always put the solution back into the original equation.|A check costs one line.]] [[Checking a later line would not
    reveal a mistake made before it.|Use the first line for it and not the last.]]

    [[Divide the whole side, not just one term.|A common slip is to divide only one term.]] From $4x + 8 = 20$ it follows
    that $x + 2 = 5$, [[and not $x + 8 = 5$|where the $8$ was divided as well]].
    """,
    two_step,
    both_sides,
    with_bracket,
    number_puzzle,
)

SYSTEMS = topic(
    "simultaneous-equations",
    """
    Two equations with two unknowns
    Simultaneous equations: elimination and substitution
    Systems of linear equations by hand
    """,
    r"""
    [[One equation with two unknowns has endlessly many solutions|A single equation in $x$ and $y$ has a whole line of
    solutions]]; two of them usually pin down one pair. [[Geometrically, each equation is a line, and the pair is the
    point where they meet.|The solution is the point in which two lines cross.]]

    [[Elimination makes one unknown vanish.|The method of elimination removes one unknown.]] Multiply the equations so that
    one unknown has the same coefficient in both, and subtract. [[What is left is an equation with one unknown.|One
    unknown is gone, and the other can be computed.]]

    [[Substitution is best when one equation is already solved for an unknown.|If one equation reads $y = mx + n$,
    substitution is quicker.]] [[Wherever $y$ appears in the other equation, write the right side in
    brackets.|Replace $y$ by the whole expression, with brackets around it.]]

    The system $ax + by = e$, $cx + dy = f$ has exactly one solution if and only if $ad - bc \ne 0$. [[Otherwise the lines
    are parallel or the same.|If this number is zero, the lines do not cross in a single point.]]

    [[Problems with two kinds of things lead to such systems.|Tickets, coins and animals are the classical examples.]]
    [[One equation counts the things, the other their value.|There is one equation for the number and one for the
    total.]]
    """,
    r"""
    [[The brackets in a substitution are not optional.|Do not forget the brackets.]] [[Without them a factor or a minus sign
    reaches only the first term.|A sign in front belongs to every term inside.]]

    [[Test the pair in both equations.|A pair has to satisfy both equations.]] [[A mistake in the second half often leaves
    the first equation true.|One of them alone is no proof.]]
    """,
    elimination,
    substitution,
    tickets,
)

INEQUALITIES = topic(
    "inequalities",
    """
    Linear inequalities and absolute values
    Solving inequalities
    When the inequality sign turns round
    """,
    r"""
    [[An inequality has not one solution but a whole range of them.|The solutions of an inequality fill an interval.]] On
    the number line $x < 3$ is everything to the left of $3$. [[An open circle marks an end that does not
    belong|A filled dot shows that the end itself belongs]], as in $x \le 3$.

    [[Adding or subtracting the same number keeps the order.|Both sides may be shifted by the same amount.]] Multiplying by
    a positive number keeps it too. [[A negative factor turns the order round|With a negative factor the sign must be
    reversed]]: from $2 < 5$ follows $-2 > -5$.

    [[Why does the sign turn?|The reason lies in the number line.]] Multiplying by $-1$ [[mirrors the line at zero|swaps
    left and right]], so what was smaller becomes larger.

    The absolute value $\lvert x \rvert$ is the distance of $x$ from zero. [[So an equation $\lvert x \rvert = c$ with
    $c > 0$ has two solutions|For a positive $c$ there are two points at the distance $c$]], and
    $\lvert x - a \rvert < r$ [[describes all points closer than $r$ to $a$|means $a - r < x < a + r$]].
    """,
    r"""
    [[Test one number from the claimed range and one from outside.|Two test values settle doubts.]] [[The first must make
    the inequality true and the second false.|If both behave as they should, the sign is right.]]

    [[Never multiply by an expression whose sign is unknown.|Be careful with unknown factors.]] [[Split into cases
    instead|Treat the two signs separately]], one for positive and one for negative values.
    """,
    inequality,
    absolute_value,
)

POWERS = topic(
    "powers-and-brackets",
    """
    Powers, brackets and factoring
    The laws of exponents and expanding products
    Expanding and factoring expressions
    """,
    r"""
    A power $a^{n}$ is a product of $n$ equal factors. [[Counting factors proves the laws|All rules follow from counting]]:
    $a^{m} a^{n} = a^{m+n}$ and $(a^{m})^{n} = a^{mn}$. [[For a quotient the exponents are subtracted.|Cancelling common
    factors gives the rule for quotients.]]

    [[What should $a^{0}$ mean?|The exponent zero looks odd.]] If $a^{m} a^{0} = a^{m+0} = a^{m}$ is to hold, then
    $a^{0} = 1$ [[is the only choice|must be true]]. [[In the same way a negative exponent is a reciprocal|Likewise for
    negative exponents]]: $a^{-n} = \frac{1}{a^{n}}$.

    To expand $(a + b)(c + d)$ [[multiply every term of the one bracket by every term of the other|each term meets each
    other one]], which gives $ac + ad + bc + bd$. [[Four products, then like terms are collected.|Draw the four arrows if
    you lose track.]]

    [[Three patterns are worth knowing by heart.|Some products occur so often that they have names.]]
    $$(a + b)^{2} = a^{2} + 2ab + b^{2}$$ [[The second one has a minus in the middle|With a minus sign the middle term
    changes]], and the third is $(a + b)(a - b) = a^{2} - b^{2}$.

    [[Factoring is expanding backwards.|To factor means to read the rules from right to left.]] [[First take out whatever
    all terms have in common.|Look for a common factor before anything else.]] [[A product is zero only if a factor is,
    which makes factored forms so useful.|The factored form shows at once where the expression is zero.]]
    """,
    r"""
    [[The square of a sum is not the sum of the squares.|Do not write $(a + b)^{2} = a^{2} + b^{2}$.]] With $a = 3$ and
    $b = 4$ the left side is $49$ [[and the right side|but the sum of the squares]] is $25$.

    [[A number put in for $x$ checks every expansion.|To check an expansion, put in a number.]] [[With $x = 1$ one only adds
    coefficients.|The value $x = 1$ is quick, since all powers are $1$.]]
    """,
    powers,
    expand,
    common_factor,
)

TOPICS = (LINEAR, SYSTEMS, INEQUALITIES, POWERS)
