"""Number theory: greatest common divisors, primes, congruences, number bases."""

from math import gcd

from mathcode_data.quickstart.grammar import Draw
from mathcode_data.quickstart.latex import aligned, parenthesised, plus
from mathcode_data.quickstart.topic import Exercise, exercise, topic


def factorise(number: int) -> list[tuple[int, int]]:
    """The prime factors with their exponents.

    >>> factorise(360)
    [(2, 3), (3, 2), (5, 1)]
    """
    factors, prime = [], 2
    while number > 1:
        power = 0
        while number % prime == 0:
            number //= prime
            power += 1
        if power:
            factors.append((prime, power))
        prime += 1
    return factors


def as_product(factors: list[tuple[int, int]]) -> str:
    """A factorisation in LaTeX."""
    return r" \times ".join(str(p) if e == 1 else f"{p}^{{{e}}}" for p, e in factors)


def euclid(draw: Draw) -> Exercise:
    """The greatest common divisor by Euclid's algorithm, and the least common multiple."""
    g, x, y = draw.integer(2, 18), draw.integer(5, 40), draw.integer(5, 40)
    a, b = g * max(x, y + 1), g * min(x, y + 1)
    a = a + g if a == b else a
    lines, m, n = [], a, b
    while n:
        lines.append(f"{m} &= {m // n} \\times {n} + {m % n}")
        m, n = n, m % n
    return exercise(
        draw,
        r"""
        ? [[Find the greatest common divisor of|Compute the greatest common divisor of]] $<a>$ and $<b>$.
        - [[Divide with remainder, again and again|Repeat: divide, then replace the pair by divisor and remainder]]:
          $$<lines>$$
        - [[The last remainder before zero is|The last nonzero remainder is]] $<g>$, so $\gcd(<a>, <b>) = <g>$.
        - [[The least common multiple follows|From this we also get the least common multiple]]:
          $<a> \times <b> \div <g> = <l>$.
        = $<g>$
        """,
        a=a,
        b=b,
        lines=aligned(*lines),
        g=gcd(a, b),
        l=a * b // gcd(a, b),
    )


def bezout(draw: Draw) -> Exercise:
    """Write the gcd as a combination."""
    a, b = draw.integer(20, 99), draw.integer(11, 60)
    while gcd(a, b) > 3 or a % b == 0 or b % a == 0:
        a, b = draw.integer(20, 99), draw.integer(11, 60)
    r0, r1, s0, s1, t0, t1 = a, b, 1, 0, 0, 1
    lines = []
    while r0 % r1:
        q = r0 // r1
        r0, r1, s0, s1, t0, t1 = r1, r0 - q * r1, s1, s0 - q * s1, t1, t0 - q * t1
        lines.append(f"{r1} &= {s1} \\times {a} {plus(t1)} \\times {b}")
    return exercise(
        draw,
        r"""
        ? [[Find whole numbers|Look for whole numbers]] $s$ and $t$ with $<a>s + <b>t = <g>$[[|, the greatest common
          divisor of both]].
        - [[Write each remainder of the algorithm as a combination of both numbers|Every remainder in Euclid's algorithm is a
          combination of $<a>$ and $<b>$]]: $$<lines>$$
        - [[The last line is what we want|The last line answers the question]]: $s = <s>$ and $t = <t>$.
        - [[Check|Indeed]]: $<a> \times <ps> + <b> \times <pt> = <as> <bt> = <g>$.
        = $s = <s>$, $t = <t>$
        """,
        a=a,
        b=b,
        g=r1,
        lines=aligned(*lines),
        s=s1,
        t=t1,
        ps=parenthesised(s1),
        pt=parenthesised(t1),
        **{"as": a * s1},
        bt=plus(b * t1),
    )


def count_divisors(draw: Draw) -> Exercise:
    """Factor a number and count its divisors."""
    n = draw.pick((2, 4, 6, 8, 12)) * draw.pick((3, 5, 9, 15, 27)) * draw.integer(2, 25)
    factors = factorise(n)
    count = 1
    for _, e in factors:
        count *= e + 1
    return exercise(
        draw,
        r"""
        ? [[Factor|Decompose]] $<n>$ into primes. How many divisors does it have?
        - [[Split off small primes|Divide by $2$, $3$, $5$ and so on as long as possible]]: $<n> = <product>$.
        - [[A divisor takes each prime with an exponent from zero up|For each prime the exponent can be chosen freely]], so
          there are $<choices> = <count>$ [[divisors|choices]].
        = $<n> = <product>$, $<count>$ divisors
        """,
        n=n,
        product=as_product(factors),
        count=count,
        choices=r" \times ".join(f"({e} + 1)" for _, e in factors),
    )


def is_prime(draw: Draw) -> Exercise:
    """Test a number by trial division up to its root."""
    n = draw.integer(120, 900) // 2 * 2 + 1
    factors = factorise(n)
    bound = int(n**0.5)
    tried = [p for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29) if p <= bound]
    smallest = factors[0][0]
    remainders = ", ".join(f"{n} = {n // p} \\times {p} + {n % p}" for p in tried if p <= smallest)
    prime = factors == [(n, 1)]
    verdict = "no prime divides it, so it is prime" if prime else f"the remainder zero shows that ${smallest}$ divides it"
    return exercise(
        draw,
        r"""
        ? Is $<n>$ a prime number?
        - [[It is enough to try primes up to the root|A composite number has a prime factor below its root]], and
          $\sqrt{<n>} < <above>$.
        - [[The divisions are|Divide by the primes in turn]]: $<remainders>$.
        - [[So|Hence]] <verdict>.
        = <answer>
        """,
        n=n,
        above=bound + 1,
        remainders=remainders,
        verdict=verdict,
        answer="yes" if prime else f"no, ${n} = {as_product(factors)}$",
    )


def power_mod(draw: Draw) -> Exercise:
    """A power modulo m by repeated squaring."""
    a, m = draw.integer(2, 12), draw.integer(7, 31)
    e = draw.pick((8, 9, 10, 12, 16, 17, 18, 20, 24, 32, 33, 40))
    bits = [k for k in range(6) if e >> k & 1]
    value, lines = a % m, [rf"{a}^{{1}} &\equiv {a % m}"]
    squares = {0: value}
    for k in range(1, bits[-1] + 1):
        square = value * value
        lines.append(rf"{a}^{{{2**k}}} &\equiv {value}^{{2}} = {square} \equiv {square % m}")
        value = square % m
        squares[k] = value
    result = 1
    for k in bits:
        result = result * squares[k] % m
    return exercise(
        draw,
        r"""
        ? [[Find the remainder of|Compute the remainder of]] $<a>^{<e>}$ [[when divided by|after division by]] $<m>$.
        - [[Square repeatedly and reduce each time|We square again and again, always modulo $<m>$]]: $$<lines>$$
        - [[In binary|As a sum of powers of two]], $<e> = <bits>$, so we multiply [[those powers|the matching lines]]:
          $<factors> \equiv <result> \pmod{<m>}$.
        = $<result>$
        """,
        a=a,
        e=e,
        m=m,
        lines=aligned(*lines),
        bits=" + ".join(str(2**k) for k in reversed(bits)),
        factors=r" \times ".join(str(squares[k]) for k in reversed(bits)),
        result=result,
    )


def linear_congruence(draw: Draw) -> Exercise:
    """Solve ax = b modulo a prime."""
    m = draw.pick((7, 11, 13, 17, 19, 23))
    a, x = draw.integer(2, m - 2), draw.integer(1, m - 1)
    inv = pow(a, -1, m)
    b = a * x % m
    return exercise(
        draw,
        r"""
        ? [[Solve|Find $x$ with]] $<a>x \equiv <b> \pmod{<m>}$.
        - [[Look for the inverse of|We need an inverse of]] $<a>$: since $<a> \times <inv> = <one> = <k> \times <m> + 1$, it
          is $<inv>$.
        - [[Multiply both sides by it|Multiplying with it gives]]: $x \equiv <inv> \times <b> = <prod> \equiv <x> \pmod{<m>}$.
        - [[Check|Test]]: $<a> \times <x> = <ax>$, and $<ax> - <b> = <diff>$ is a multiple of $<m>$.
        = $x \equiv <x> \pmod{<m>}$
        """,
        a=a,
        b=b,
        m=m,
        inv=inv,
        one=a * inv,
        k=a * inv // m,
        prod=inv * b,
        x=x,
        ax=a * x,
        diff=a * x - b,
    )


def chinese_remainder(draw: Draw) -> Exercise:
    """Two congruences with coprime moduli."""
    m, n = draw.pick(((3, 5), (4, 7), (5, 8), (5, 9), (7, 9), (4, 9), (7, 11), (6, 11), (8, 13), (5, 12)))
    x = draw.integer(1, m * n - 1)
    tries = list(range(x % n, x + 1, n))
    return exercise(
        draw,
        r"""
        ? Which number below $<mn>$ leaves the remainder $<a>$ [[when divided by|after division by]] $<m>$ and $<b>$ [[when
          divided by|after division by]] $<n>$?
        - [[List the numbers with the second property|Go through the numbers with the second remainder]]: $<tries>$.
        - [[Divide each by $<m>$|Look at their remainders modulo $<m>$]]: $<remainders>$. [[The last one fits.|The last number
          has the right one.]]
        - [[Check|Indeed]]: $<x> = <q> \times <m> + <a>$ and $<x> = <r> \times <n> + <b>$.
        = $<x>$
        """,
        mn=m * n,
        m=m,
        n=n,
        a=x % m,
        b=x % n,
        tries=", ".join(map(str, tries)),
        remainders=", ".join(str(k % m) for k in tries),
        x=x,
        q=x // m,
        r=x // n,
    )


def to_base(draw: Draw) -> Exercise:
    """Convert a number to another base."""
    n, base = draw.integer(40, 400), draw.pick((2, 3, 5, 7, 8))
    lines, digits, rest = [], "", n
    while rest:
        lines.append(f"{rest} &= {rest // base} \\times {base} + {rest % base}")
        digits = str(rest % base) + digits
        rest //= base
    expansion = " + ".join(rf"{d} \times {base}^{{{len(digits) - 1 - i}}}" for i, d in enumerate(digits) if d != "0")
    return exercise(
        draw,
        r"""
        ? [[Write $<n>$ in|Convert $<n>$ to]] base $<base>$.
        - [[Divide by the base and keep the remainders|Repeated division gives the digits]]: $$<lines>$$
        - [[Reading the remainders from the bottom|From the last to the first]], the digits are $<digits>$.
        - [[Check|As a check]]: $<expansion> = <n>$.
        = $(<digits>)_{<base>}$
        """,
        n=n,
        base=base,
        lines=aligned(*lines),
        digits=digits,
        expansion=expansion,
    )


def divisibility(draw: Draw) -> Exercise:
    """The digit sums for 9 and 11."""
    digits = [draw.integer(1, 9)] + [draw.integer(0, 9) for _ in range(4)]
    n = int("".join(map(str, digits)))
    s, alt = sum(digits), digits[4] - digits[3] + digits[2] - digits[1] + digits[0]
    return exercise(
        draw,
        r"""
        ? [[Find the remainders of|Compute the remainders of]] $<n>$ modulo $9$ and modulo $11$.
        - [[For $9$ add the digits|The sum of the digits]]: $<plain> = <s>$, and $<s>$ leaves the remainder $<r9>$.
        - [[For $11$ the signs alternate, starting at the right|The alternating sum from the right]]:
          $<alternating> = <alt>$, which is $<r11>$ modulo $11$.
        - [[Check|Indeed]]: $<n> = <q9> \times 9 + <r9>$ and $<n> = <q11> \times 11 + <r11>$.
        = $<r9>$ and $<r11>$
        """,
        n=n,
        plain=" + ".join(map(str, digits)),
        s=s,
        r9=n % 9,
        r11=n % 11,
        q9=n // 9,
        q11=n // 11,
        alt=alt,
        alternating=f"{digits[4]} - {digits[3]} + {digits[2]} - {digits[1]} + {digits[0]}",
    )


DIVISORS = topic(
    "greatest-common-divisors",
    """
    Euclid's algorithm
    Greatest common divisors
    Common divisors and Bezout's identity
    """,
    r"""
    [[The greatest common divisor of two numbers is the largest number that divides both.|Among all common divisors of two
    numbers there is a largest one.]] [[Listing all divisors is slow|One could list the divisors of both]]; Euclid knew a
    better way.

    [[The idea is that a common divisor of $a$ and $b$ also divides $a - b$.|Whatever divides $a$ and $b$ divides their
    difference.]] Hence $\gcd(a, b) = \gcd(b, r)$, [[where $r$ is the remainder of $a$ divided by $b$|if $a = qb + r$]].
    [[The numbers shrink quickly|Remainders get smaller and smaller]], and when the remainder is $0$ we are done.

    [[Bezout's identity says more|There is a stronger statement]]: there are whole numbers $s$ and $t$ with
    $$as + bt = \gcd(a, b)$$ [[They come out of the same divisions|The algorithm itself produces them]], read from the last to
    the first.

    The least common multiple is [[tied to the greatest common divisor|found from it]] by
    $\gcd(a, b) \cdot \operatorname{lcm}(a, b) = ab$. [[It is needed for common denominators.|Gear wheels and calendars
    lead to it.]]

    [[The algorithm is fast even for huge numbers.|Even with a hundred digits the algorithm ends soon.]] [[Two steps at least
    halve the larger number|After two steps the numbers have at most half their size]], so the number of steps grows with the
    number of digits only.
    """,
    r"""
    [[Two numbers are coprime if their greatest common divisor is $1$.|If the last remainder is $1$, the numbers are
    coprime.]] [[They need not be primes themselves|Neither of them has to be prime]]: $8$ and $9$ are coprime.

    [[Keep the roles straight in every line.|In each line the divisor moves to the left.]] [[The divisor becomes the dividend
    and the remainder becomes the divisor.|Then the remainder takes its place.]]
    """,
    euclid,
    bezout,
)

PRIMES = topic(
    "prime-numbers",
    """
    Prime numbers and factorisation
    Primes and divisors
    The fundamental theorem of arithmetic
    """,
    r"""
    [[A prime number has exactly two divisors|A prime is a number greater than $1$ with no divisors besides]], $1$ and
    itself. [[The first ones are|The list starts with]] $2, 3, 5, 7, 11, 13$. [[The number $1$ is not among them.|By this
    definition $1$ is not prime.]]

    [[Every number greater than $1$ is a product of primes in exactly one way.|The fundamental theorem says that prime
    factorisation is unique.]] [[Only the order can differ.|Up to the order of the factors there is just one.]]
    [[If $1$ were a prime, this would be false.|That is why $1$ is excluded.]]

    [[There are infinitely many primes.|Euclid proved that the primes never end.]] Suppose there were only
    $p_{1}, \ldots, p_{n}$. [[Then look at|Consider]] $N = p_{1} p_{2} \cdots p_{n} + 1$. [[None of them divides it, as each
    leaves the remainder $1$|Each of them leaves the remainder $1$]], so some prime was missing.

    [[To test a number it suffices to divide by primes up to its root|For a prime test one stops at the square root]], because
    in $n = ab$ one factor is at most $\sqrt{n}$.

    If $n = p^{a} q^{b} \cdots$, the number of divisors is $$(a + 1)(b + 1) \cdots$$ [[since every exponent can be chosen from
    $0$ upwards|one factor for each prime]].
    """,
    r"""
    [[Odd does not mean prime.|Not every odd number is prime.]] [[The number $91 = 7 \times 13$ looks prime and is not.|A
    favourite trap is $51 = 3 \times 17$.]]

    [[Squares are the only numbers with an odd number of divisors|Divisors come in pairs]], [[because their root is its own
    partner|except for the root of a square]].
    """,
    count_divisors,
    is_prime,
)

CONGRUENCES = topic(
    "congruences",
    """
    Modular arithmetic
    Congruences and remainders
    Calculating with remainders
    """,
    r"""
    [[A clock calculates modulo twelve.|Everyone knows modular arithmetic from the clock.]] We write
    $a \equiv b \pmod{m}$ [[if $m$ divides $a - b$|if both leave the same remainder when divided by $m$]].

    [[Congruences can be added and multiplied like equations.|One may add, subtract and multiply congruences.]] [[So large
    numbers can be replaced by their remainders at any time.|At every step we may go over to the remainder.]] [[Division
    needs more care.|Only division is dangerous.]]

    A number $a$ has an inverse modulo $m$ if and only if $\gcd(a, m) = 1$. [[Bezout's identity finds it|Euclid's algorithm
    computes it]]: from $as + mt = 1$ follows $as \equiv 1$. [[Multiplying by the inverse replaces division.|The inverse
    does the work of division.]]

    [[Powers are computed by repeated squaring.|Large powers need few multiplications.]] [[Square, reduce, and square
    again|One squares and reduces in turn]]; the binary digits of the exponent tell which results are multiplied.

    Fermat's little theorem says that $$a^{p-1} \equiv 1 \pmod{p}$$ [[for a prime $p$ that does not divide $a$|if $p$ is prime
    and $a$ is not a multiple of it]]. [[It is the seed of modern cryptography.|Secret keys on the internet rest on such
    facts.]]
    """,
    r"""
    [[Remainders are never negative here.|We choose remainders from $0$ to $m - 1$.]] [[For $-3$ modulo $7$ the remainder is
    $4$.|So $-1$ modulo $5$ becomes $4$.]]

    [[Reduce early.|Do not let numbers grow.]] [[The product of two remainders below $m$ is below $m^{2}$.|If each factor is
    reduced, all numbers stay small.]]
    """,
    power_mod,
    linear_congruence,
    chinese_remainder,
)

BASES = topic(
    "number-bases",
    """
    Number bases and divisibility
    Binary numbers and other bases
    Digits, bases and divisibility rules
    """,
    r"""
    [[Our numbers are written in base ten|We count in tens]], but any base $b \ge 2$ works. [[The digit at place $k$ is worth
    that many times $b^{k}$.|Each place is worth $b$ times the one to its right.]] So
    $(1011)_{2} = 8 + 2 + 1 = 11$.

    [[To convert, divide by the base again and again.|Conversion is repeated division with remainder.]] [[The remainders are
    the digits, the last one first.|The first remainder is the last digit.]]

    [[Computers use base two, since a switch has two states.|Base two suits machines.]] [[Groups of three or four binary
    digits are written as one octal or hexadecimal digit.|Four binary digits make one hexadecimal digit.]]

    [[The rule for nine comes from $10 = 9 + 1$.|Why does the sum of digits work for $9$?]] As $10 \equiv 1 \pmod{9}$, every
    power of ten leaves the remainder $1$, [[so a number and the sum of its digits have the same remainder|and only the digits
    themselves remain]].

    For eleven, $10 \equiv -1 \pmod{11}$, [[and the signs alternate|so the digits are added with alternating signs]].
    [[The last digit decides about $2$ and $5$, the last two about $4$.|For $2$, $5$ and $10$ the last digit is enough.]]
    """,
    r"""
    [[Name the base.|Write the base as an index.]] [[The string $101$ means five in base two and ten in base three.|Without it
    nobody knows whether $10$ means ten or two.]]

    [[A digit is always smaller than the base.|No digit may reach the base.]] [[In base five there is no digit $7$.|The digit
    $8$ cannot occur in octal numbers.]]
    """,
    to_base,
    divisibility,
)

TOPICS = (DIVISORS, PRIMES, CONGRUENCES, BASES)
