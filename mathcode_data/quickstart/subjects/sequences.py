"""Sequences and series: arithmetic, geometric, sums and induction, recurrences."""

from fractions import Fraction

from mathcode_data.quickstart.grammar import Draw
from mathcode_data.quickstart.latex import aligned, fraction, parenthesised, plus, polynomial
from mathcode_data.quickstart.topic import Exercise, exercise, topic


def nth_term(draw: Draw) -> Exercise:
    """The n-th term of an arithmetic sequence."""
    a, d, n = draw.integer(-20, 40), draw.integer(-9, 12, besides=(0,)), draw.integer(12, 60)
    return exercise(
        draw,
        r"""
        ? [[Find the term number $<n>$ of|Compute $a_{<n>}$ in]] the arithmetic sequence $<a>, <b>, <c>, <e>, \ldots$
        - [[The common difference is|Neighbours differ by]] $<b> - <pa> = <d>$.
        - [[From the first term we take|To get there we need]] $<n> - 1 = <m>$ steps.
        - [[So|Hence]] $a_{<n>} = <a> + <m> \times <pd> = <a> <md> = <result>$.
        = $<result>$
        """,
        n=n,
        a=a,
        b=a + d,
        c=a + 2 * d,
        e=a + 3 * d,
        pa=parenthesised(a),
        d=d,
        m=n - 1,
        pd=parenthesised(d),
        md=plus((n - 1) * d),
        result=a + (n - 1) * d,
    )


def arithmetic_sum(draw: Draw) -> Exercise:
    """The sum of the first n terms."""
    a, d, n = draw.integer(1, 30), draw.integer(2, 11), 2 * draw.integer(5, 25)
    last = a + (n - 1) * d
    return exercise(
        draw,
        r"""
        ? [[Add the first|Find the sum of the first]] $<n>$ terms of $<a>, <b>, <c>, \ldots$
        - [[The last term of the sum is|The term number $<n>$ is]] $<a> + <m> \times <d> = <last>$.
        - [[Pair the first with the last|First and last together make]]: $<a> + <last> = <pair>$, and every such pair has
          the same sum.
        - [[There are|We have]] $<n> \div 2 = <half>$ pairs, so the sum is $<half> \times <pair> = <s>$.
        = $<s>$
        """,
        n=n,
        a=a,
        b=a + d,
        c=a + 2 * d,
        m=n - 1,
        d=d,
        last=last,
        pair=a + last,
        half=n // 2,
        s=n // 2 * (a + last),
    )


def find_rule(draw: Draw) -> Exercise:
    """First term and difference from two given terms."""
    a, d, i, gap = draw.integer(-10, 25), draw.integer(2, 9), draw.integer(3, 7), draw.integer(3, 9)
    j = i + gap
    return exercise(
        draw,
        r"""
        ? In an arithmetic sequence $a_{<i>} = <ai>$ and $a_{<j>} = <aj>$. [[Find the rule for $a_{n}$.|What is
          $a_{n}$?]]
        - [[Between the two terms lie|From one to the other there are]] $<j> - <i> = <gap>$ steps, and the values differ by
          $<aj> - <pai> = <rise>$.
        - [[One step is|So the difference is]] $<rise> \div <gap> = <d>$.
        - [[Going back to the start we find|The first term is]] $a_{1} = <ai> - <back> \times <d> = <a>$.
        - [[The rule is|Therefore]] $a_{n} = <a> + (n - 1) \times <d> = <rule>$.
        = $a_{n} = <rule>$
        """,
        i=i,
        j=j,
        ai=a + (i - 1) * d,
        aj=a + (j - 1) * d,
        pai=parenthesised(a + (i - 1) * d),
        gap=gap,
        rise=gap * d,
        d=d,
        back=i - 1,
        a=a,
        rule=polynomial([d, a - d], "n"),
    )


def geometric_term(draw: Draw) -> Exercise:
    """A term of a geometric sequence."""
    a, r, n = draw.integer(1, 9), draw.integer(2, 4) * draw.pick((1, 1, -1)), draw.integer(5, 8)
    return exercise(
        draw,
        r"""
        ? [[Find|Compute]] $a_{<n>}$ in the geometric sequence $<a>, <b>, <c>, \ldots$
        - [[The ratio of neighbours|The common ratio]] is $<b> \div <a> = <r>$.
        - [[The first term is multiplied $<m>$ times by it|There are $<m>$ multiplications]]:
          $a_{<n>} = <a> \times <pr>^{<m>}$.
        - [[Since|With]] $<pr>^{<m>} = <power>$, [[the term is|we get]] $<a> \times <pp> = <result>$.
        = $<result>$
        """,
        n=n,
        a=a,
        b=a * r,
        c=a * r * r,
        r=r,
        pr=parenthesised(r),
        m=n - 1,
        power=r ** (n - 1),
        pp=parenthesised(r ** (n - 1)),
        result=a * r ** (n - 1),
    )


def geometric_sum(draw: Draw) -> Exercise:
    """The sum of a geometric sequence."""
    a, r, n = draw.integer(1, 9), draw.integer(2, 5), draw.integer(4, 8)
    power = r**n
    return exercise(
        draw,
        r"""
        ? [[Add|Find the sum]] $<a> + <b> + <c> + \cdots + <last>$, [[a geometric series|where each term is $<r>$ times the
          one before]].
        - [[There are $<n>$ terms|The number of terms is $<n>$]], [[since|because]] $<a> \times <r>^{<m>} = <last>$.
        - [[Use|The formula for the sum is]] $S = \frac{a(r^{n} - 1)}{r - 1}$ with $r^{n} = <r>^{<n>} = <power>$.
        - [[Insert|So]]: $$S = \frac{<a> \times (<power> - 1)}{<r> - 1} = <s>$$
        = $<s>$
        """,
        a=a,
        b=a * r,
        c=a * r * r,
        last=a * r ** (n - 1),
        r=r,
        n=n,
        m=n - 1,
        power=power,
        s=a * (power - 1) // (r - 1),
    )


def infinite_series(draw: Draw) -> Exercise:
    """An infinite geometric series with a small ratio."""
    q = draw.integer(2, 9)
    p, a = draw.integer(1, q - 1), draw.integer(1, 20)
    ratio = Fraction(p, q) * draw.pick((1, 1, -1))
    s = Fraction(a) / (1 - ratio)
    return exercise(
        draw,
        r"""
        ? [[Does the series converge|Has the infinite series a sum]], and if so, to what:
          $\sum_{k=0}^{\infty} <a> \times \left(<r>\right)^{k}$?
        - [[The ratio is|Here the ratio is]] $r = <r>$, and $\lvert r \rvert < 1$, so the series converges.
        - [[Its sum is|The sum equals]] $$\frac{<a>}{1 - \left(<r>\right)} = \frac{<a>}{<one_minus>}$$
        - [[Carried out|Simplified]], this is $<a> \div <one_minus> = <s>$.
        = $<s>$
        """,
        a=a,
        r=fraction(ratio),
        one_minus=fraction(1 - ratio),
        s=fraction(s),
    )


def recurrence(draw: Draw) -> Exercise:
    """Compute terms of a linear recurrence."""
    p, q = draw.integer(1, 3), draw.integer(-2, 3, besides=(0,))
    a, b = draw.integer(0, 4), draw.integer(1, 5)
    terms = [a, b]
    for _ in range(4):
        terms.append(p * terms[-1] + q * terms[-2])
    lines = [
        f"a_{{{k}}} &= {p} \\times {parenthesised(terms[k - 1])} {plus(q)} \\times {parenthesised(terms[k - 2])} = {terms[k]}"
        for k in range(2, 6)
    ]
    rule = f"{'' if p == 1 else p}a_{{n-1}} {plus(q).replace(' 1', ' ')}a_{{n-2}}"
    return exercise(
        draw,
        r"""
        ? A sequence [[starts with|begins]] $a_{0} = <a>$, $a_{1} = <b>$ and [[continues by|follows the rule]]
          $a_{n} = <rule>$. [[Find $a_{5}$.|Compute the terms up to $a_{5}$.]]
        - [[Each term needs the two before it|We go up one term at a time]]: $$<lines>$$
        - [[So the wanted term is|The last line gives]] $a_{5} = <result>$.
        = $<result>$
        """,
        a=a,
        b=b,
        rule=rule,
        lines=aligned(*lines),
        result=terms[5],
    )


def sum_of_squares(draw: Draw) -> Exercise:
    """Use the closed form for the sum of squares or of natural numbers."""
    n = draw.integer(6, 40)
    if draw.chance(0.5):
        return exercise(
            draw,
            r"""
            ? [[Evaluate|Find]] $\sum_{k=1}^{<n>} k^{2}$.
            - [[The closed form is|There is a formula for this]]: $$\sum_{k=1}^{n} k^{2} = \frac{n(n + 1)(2n + 1)}{6}$$
            - [[With|For]] $n = <n>$ the product is $<n> \times <n1> \times <n2> = <prod>$.
            - [[Divide by|Divided by]] $6$, this is $<prod> \div 6 = <s>$.
            = $<s>$
            """,
            n=n,
            n1=n + 1,
            n2=2 * n + 1,
            prod=n * (n + 1) * (2 * n + 1),
            s=n * (n + 1) * (2 * n + 1) // 6,
        )
    return exercise(
        draw,
        r"""
        ? [[Evaluate|Find]] $\sum_{k=1}^{<n>} (2k - 1)$, the sum of the first $<n>$ odd numbers.
        - [[Split the sum|Take the sum apart]]: $2 \sum_{k=1}^{<n>} k - <n>$.
        - [[The natural numbers up to $<n>$ add up to|Gauss's formula gives]] $<n> \times <n1> \div 2 = <tri>$.
        - [[So we get|Hence]] $2 \times <tri> - <n> = <s>$, [[which is|that is]] $<n>^{2}$.
        = $<s>$
        """,
        n=n,
        n1=n + 1,
        tri=n * (n + 1) // 2,
        s=n * n,
    )


ARITHMETIC = topic(
    "arithmetic-sequences",
    """
    Arithmetic sequences and their sums
    Constant differences: arithmetic sequences
    The n-th term and the sum of an arithmetic sequence
    """,
    r"""
    [[In an arithmetic sequence each term is the one before plus a fixed number $d$.|A sequence is called arithmetic if
    neighbouring terms always differ by the same amount $d$.]] [[The number $d$ may be negative|If $d$ is negative]],
    and then the terms fall.

    [[To reach the $n$-th term we add the difference $n - 1$ times.|The first term needs no step and the $n$-th needs
    $n - 1$.]] So $$a_{n} = a_{1} + (n - 1)d$$ [[The formula is a straight line in $n$.|As a function of $n$ this is
    linear, with slope $d$.]]

    [[The young Gauss is said to have added the numbers from $1$ to $100$ in seconds.|There is a famous story about a
    schoolboy named Gauss.]] He saw that $1 + 100$, $2 + 99$ and so on [[all make $101$|have the same sum]]. [[Fifty
    such pairs give $5050$.|There are $50$ pairs, so the sum is $5050$.]]

    [[The same pairing works for every arithmetic sequence.|Nothing in this trick is special to those numbers.]] With $n$
    terms the sum is $$S_{n} = \frac{n(a_{1} + a_{n})}{2}$$ [[the number of terms times the mean of the first and the
    last|which is the mean of the ends times the number of terms]].

    [[Two terms determine the whole sequence.|If two terms are known, everything is known.]] [[Their difference, divided by
    the number of steps between them, is $d$.|Divide the difference of the values by the difference of the
    indices.]]
    """,
    r"""
    [[Count the steps and not the terms.|The most common slip is to be off by one.]] [[Between the first and the tenth term
    there are nine steps.|From $a_{1}$ to $a_{10}$ one adds $d$ nine times.]]

    [[Test a rule with the first two terms.|Put $n = 1$ and $n = 2$ into your rule.]] [[If both come out right, the rule is
    right, since a line is fixed by two points.|Two correct values are enough for a linear rule.]]
    """,
    nth_term,
    arithmetic_sum,
    find_rule,
)

GEOMETRIC = topic(
    "geometric-sequences",
    """
    Geometric sequences and series
    Constant ratios: geometric growth
    Summing a geometric series
    """,
    r"""
    [[In a geometric sequence each term is a fixed multiple of the one before.|A geometric sequence multiplies by the same
    ratio $r$ in every step.]] So $a_{n} = a_{1} r^{n-1}$. [[Savings with interest and the folding of paper are
    examples.|Such sequences describe growth by a constant percentage.]]

    [[The sum has a beautiful proof.|Here is how the sum is found.]] Let $S = a + ar + \cdots + ar^{n-1}$. Then $rS$
    [[contains almost the same terms|is the same sum, shifted by one place]], and subtracting leaves
    $rS - S = ar^{n} - a$. Hence $$S = \frac{a(r^{n} - 1)}{r - 1}$$

    [[If $\lvert r \rvert < 1$, the powers $r^{n}$ shrink towards zero|For a ratio between $-1$ and $1$ the terms become as
    small as we like]], and the infinite sum has the finite value $\frac{a}{1 - r}$. [[That endlessly many positive numbers
    can have a finite sum puzzled the Greeks.|Zeno's paradox of the runner is resolved by this.]]

    [[Growth by a factor beats growth by a summand.|Geometric growth overtakes every arithmetic one.]] [[Starting from $1$,
    ten doublings already give $1024$.|Doubling ten times multiplies by $2^{10} = 1024$.]]
    """,
    r"""
    [[The exponent is one less than the index.|Mind the exponent.]] [[The first term has been multiplied zero times.|For
    $n = 1$ the power must be $r^{0} = 1$.]]

    [[A negative ratio makes the signs alternate.|If $r$ is negative, plus and minus take turns.]] [[Even powers are then
    positive|Put the ratio in brackets when you raise it to a power]].
    """,
    geometric_term,
    geometric_sum,
    infinite_series,
)

SUMS = topic(
    "sums-and-induction",
    """
    Sums and mathematical induction
    The summation sign and closed forms
    Proof by induction for sums
    """,
    r"""
    The sign $\sum_{k=1}^{n} a_{k}$ [[is short for $a_{1} + a_{2} + \cdots + a_{n}$|tells us to let $k$ run from $1$ to $n$
    and to add all $a_{k}$]]. [[The letter $k$ is a dummy; any other would do.|The name of the running index does not
    matter.]]

    [[Sums may be split and constants taken out|Two rules make sums easy]]:
    $\sum (a_{k} + b_{k}) = \sum a_{k} + \sum b_{k}$ and $\sum c a_{k} = c \sum a_{k}$.

    [[Induction proves a statement for all natural numbers at once.|A proof by induction has two parts.]] First show it for
    $n = 1$. [[Then show that if it holds for some $n$, it holds for $n + 1$ as well.|Then show that each case implies the
    next.]] [[Like a row of dominoes, all cases fall.|The first domino falls, and each one knocks over the next.]]

    [[Take the odd numbers.|As an example, add odd numbers.]] The claim is $1 + 3 + \cdots + (2n - 1) = n^{2}$. For
    $n = 1$ both sides are $1$. [[If it holds for $n$, add the next odd number|In the step we add $2n + 1$]]:
    $$n^{2} + 2n + 1 = (n + 1)^{2}$$ [[This is the claim for $n + 1$.|So the claim holds for $n + 1$, too.]]

    [[The sum of the first $n$ natural numbers is|For the natural numbers one has]] $\frac{n(n + 1)}{2}$, [[a triangular
    number|the number of dots in a triangle]].
    """,
    r"""
    [[An induction without its start proves nothing.|Do not skip the first case.]] [[The step alone also goes through for
    false claims, such as $n = n + 1$.|From $n = n + 1$ one could derive $n + 1 = n + 2$ without any trouble.]]

    [[Check a closed form with small numbers.|Try $n = 1, 2, 3$ before you believe a formula.]] [[For the squares these
    are $1$, $5$ and $14$.|The sums of squares start with $1, 5, 14, 30$.]]
    """,
    sum_of_squares,
    arithmetic_sum,
)

RECURRENCES = topic(
    "recurrences",
    """
    Recurrences
    Sequences defined by recursion
    Linear recurrences step by step
    """,
    r"""
    [[A recurrence computes each term from earlier ones.|In a recursive sequence a term depends on those before it.]] [[The
    best known is the sequence of Fibonacci|Fibonacci's rabbits are the classical case]]:
    $F_{n} = F_{n-1} + F_{n-2}$ with $F_{0} = 0$ and $F_{1} = 1$.

    [[A recurrence of order two needs two starting values.|To start, two values must be given.]] [[With other starting
    values the same rule gives another sequence.|The rule alone does not fix the sequence.]]

    [[Some recurrences have a closed form.|Often a formula without recursion exists.]] Try $a_{n} = x^{n}$ in
    $a_{n} = p a_{n-1} + q a_{n-2}$. [[Dividing by $x^{n-2}$ leaves|This leads to]] the characteristic equation
    $$x^{2} = px + q$$ [[whose roots give the growth of the sequence|and its roots are the building blocks]].

    [[Programs compute such sequences in a loop.|A computer needs only the last two terms.]] [[Keeping the two most recent
    values is enough, and each step costs the same.|It adds, shifts, and forgets the older value.]]
    """,
    r"""
    [[Keep the indices straight.|Write the index at every term.]] [[Most errors come from using the term of the wrong
    index.|If a value looks odd, look at the indices first.]]

    [[Zero as the first index is a matter of taste.|Some authors start at $0$ and some at $1$.]] [[Read the definition
    before comparing terms.|The sequences are then shifted by one place.]]
    """,
    recurrence,
    geometric_term,
)

TOPICS = (ARITHMETIC, GEOMETRIC, SUMS, RECURRENCES)
