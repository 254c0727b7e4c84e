"""Linear algebra: vectors, matrices, determinants and inverses, elimination, eigenvalues."""

from fractions import Fraction

from mathcode_data.quickstart.grammar import Draw
from mathcode_data.quickstart.latex import aligned, fraction, matrix, monomial, parenthesised, plus, polynomial, root
from mathcode_data.quickstart.topic import Exercise, exercise, topic


def dot_product(draw: Draw) -> Exercise:
    """The scalar product and whether the vectors are perpendicular."""
    u = [draw.integer(-6, 7, besides=(0,)) for _ in range(3)]
    v = [draw.integer(-5, 6, besides=(0,)) for _ in range(2)]
    rest = -(u[0] * v[0] + u[1] * v[1])
    v.append(rest // u[2] if rest % u[2] == 0 else draw.integer(-6, 6))
    value = sum(a * b for a, b in zip(u, v, strict=True))
    steps = " + ".join(f"{parenthesised(a) if i else a} \\times {parenthesised(b)}" for i, (a, b) in enumerate(zip(u, v, strict=True)))
    return exercise(
        draw,
        r"""
        ? Are the vectors $u = (<u>)$ and $v = (<v>)$ [[perpendicular|at right angles]]?
        - [[Compute the dot product|Multiply the entries and add]]: $u \cdot v = <steps> = <value>$.
        - [[The vectors are perpendicular exactly if it is zero|A right angle means zero]]. Here it is <is_zero>.
        - [[The length of $u$ is|For the length of $u$]]
          $\lvert u \rvert = \sqrt{<squares>} = \sqrt{<uu>} \approx <length>$.
        = <verdict>, $u \cdot v = <value>$
        """,
        u=", ".join(map(str, u)),
        v=", ".join(map(str, v)),
        steps=steps,
        value=value,
        is_zero="zero" if value == 0 else "not zero",
        verdict="yes" if value == 0 else "no",
        squares=" + ".join(f"{a * a}" for a in u),
        uu=sum(a * a for a in u),
        length=f"{sum(a * a for a in u) ** 0.5:.2f}",
    )


def combination(draw: Draw) -> Exercise:
    """A linear combination of two vectors."""
    a, b, c, d = (draw.integer(-7, 8) for _ in range(4))
    s, t = draw.integer(2, 6), draw.integer(2, 6)
    return exercise(
        draw,
        r"""
        ? [[Compute|Find]] $<s>u - <t>v$ for $u = <u>$ and $v = <v>$.
        - [[Multiply every entry|Scale both vectors]]: $<s>u = <su>$ and $<t>v = <tv>$.
        - [[Subtract entry by entry|The difference is taken entry by entry]]: $<sa> - <ptc> = <first>$ and
          $<sb> - <ptd> = <second>$.
        - [[The result is|So we get]] $$<s>u - <t>v = <result>$$
        = $<result>$
        """,
        s=s,
        t=t,
        u=matrix([[a], [b]]),
        v=matrix([[c], [d]]),
        su=matrix([[s * a], [s * b]]),
        tv=matrix([[t * c], [t * d]]),
        sa=s * a,
        sb=s * b,
        ptc=parenthesised(t * c),
        ptd=parenthesised(t * d),
        first=s * a - t * c,
        second=s * b - t * d,
        result=matrix([[s * a - t * c], [s * b - t * d]]),
    )


def matrix_product(draw: Draw) -> Exercise:
    """The product of two 2 by 2 matrices."""
    a, b, c, d, e, f, g, h = (draw.integer(-5, 7) for _ in range(8))
    entries = (
        (a, b, e, g, "first row, first column"),
        (a, b, f, h, "first row, second column"),
        (c, d, e, g, "second row, first column"),
        (c, d, f, h, "second row, second column"),
    )
    lines = "; ".join(
        f"{where}: ${p} \\times {parenthesised(r)} + {parenthesised(q)} \\times {parenthesised(s)} = {p * r + q * s}$"
        for p, q, r, s, where in entries
    )
    return exercise(
        draw,
        r"""
        ? [[Multiply the matrices|Find the product]] $$<left> \cdot <right>$$
        - [[Each entry is a row times a column|Rows meet columns]]: <lines>.
        - [[Put together|As a matrix]]: $$<left> \cdot <right> = <result>$$
        - [[In the other order|The reverse product]] the upper left entry would be
          $<e> \times <pa> + <pf> \times <pc> = <other>$.
        = $<result>$
        """,
        left=matrix([[a, b], [c, d]]),
        right=matrix([[e, f], [g, h]]),
        lines=lines,
        e=e,
        pa=parenthesised(a),
        pf=parenthesised(f),
        pc=parenthesised(c),
        other=e * a + f * c,
        result=matrix([[a * e + b * g, a * f + b * h], [c * e + d * g, c * f + d * h]]),
    )


def inverse(draw: Draw) -> Exercise:
    """Determinant and inverse of a 2 by 2 matrix."""
    a, b, c, d = (draw.integer(-6, 8) for _ in range(4))
    while a * d == b * c:
        d = draw.integer(-6, 9)
        a = a or draw.integer(1, 5)
    det = a * d - b * c
    return exercise(
        draw,
        r"""
        ? [[Find the determinant and the inverse of|Invert]] $$A = <m>$$
        - [[The determinant is|Determinant]]: $\det A = <a> \times <pd> - <pb> \times <pc> = <det>$, so $A$ is
          [[invertible|regular]].
        - [[Swap the diagonal and change the signs of the others|The adjugate matrix is]]: $<adjugate>$.
        - [[Divide by the determinant|Every entry is divided by $<det>$]]: $$A^{-1} = <inv>$$
        = $A^{-1} = <inv>$
        """,
        m=matrix([[a, b], [c, d]]),
        a=a,
        pd=parenthesised(d),
        pb=parenthesised(b),
        pc=parenthesised(c),
        det=det,
        adjugate=matrix([[d, -b], [-c, a]]),
        inv=matrix([[fraction(Fraction(d, det)), fraction(Fraction(-b, det))], [fraction(Fraction(-c, det)), fraction(Fraction(a, det))]]),
    )


def three_by_three(draw: Draw) -> Exercise:
    """A 3 by 3 determinant by expansion along the first row."""
    m = [[draw.integer(-4, 6) for _ in range(3)] for _ in range(3)]
    (a, b, c), (d, e, f), (g, h, i) = m
    one, two, three = e * i - f * h, d * i - f * g, d * h - e * g
    return exercise(
        draw,
        r"""
        ? [[Compute the determinant of|Find the determinant of]] $$<m>$$
        - [[Expand along the first row|Use the first row]]. The three small determinants are
          $<e> \times <pi> - <pf> \times <ph> = <one>$, $<d> \times <pi> - <pf> \times <pg> = <two>$ and
          $<d> \times <ph> - <pe> \times <pg> = <three>$.
        - [[The signs alternate|With alternating signs]]: $<a> \times <p1> - <pb> \times <p2> + <pc> \times <p3> = <det>$.
        = $<det>$
        """,
        m=matrix(m),
        a=a,
        pb=parenthesised(b),
        pc=parenthesised(c),
        d=d,
        e=e,
        pe=parenthesised(e),
        pf=parenthesised(f),
        pg=parenthesised(g),
        ph=parenthesised(h),
        pi=parenthesised(i),
        one=one,
        two=two,
        three=three,
        p1=parenthesised(one),
        p2=parenthesised(two),
        p3=parenthesised(three),
        det=a * one - b * two + c * three,
    )


def gauss(draw: Draw) -> Exercise:
    """Three equations by elimination, with whole solutions."""
    x, y, z = (draw.integer(-4, 6) for _ in range(3))
    p, q, r, s, t = (draw.integer(1, 4) for _ in range(5))
    u = draw.integer(2, 5)
    e1, e2 = x + p * y + q * z, r * x + (r * p + 1) * y + (r * q + s) * z
    e3 = t * x + (t * p + u) * y + (t * q + u * s + 1) * z
    row2, row3 = e2 - r * e1, e3 - t * e1
    return (
        exercise(
            draw,
            r"""
        ? [[Solve by elimination|Use Gaussian elimination on]] $$<system>$$
        - [[Subtract|Take]] $<r>$ times the first [[row|equation]] from the second: $y + <s>z = <e2> - <r> \times <pe1> = <row2>$.
        - [[Subtract|Take]] $<t>$ times the first from the third: $<u>y + <us1>z = <e3> - <t> \times <pe1> = <row3>$.
        - [[Now|Next]] take $<u>$ times the second from the third: $z = <row3> - <u> \times <prow2> = <z>$.
        - [[Going back|Back substitution]]: $y = <row2> - <s> \times <pz> = <y>$ and
          $x = <e1> - <p> \times <py> - <q> \times <pz> = <x>$.
        = $(x, y, z) = (<x>, <y>, <z>)$
        """,
            system=aligned(
                f"x + {monomial(p, 1, 'y')} + {monomial(q, 1, 'z')} &= {e1}",
                f"{monomial(r, 1)} + {r * p + 1}y + {r * q + s}z &= {e2}",
                f"{monomial(t, 1)} + {t * p + u}y + {t * q + u * s + 1}z &= {e3}",
            ),
            p=p,
            q=q,
            r=r,
            s="" if s == 1 else s,
            t=t,
            u=u,
            us1=u * s + 1,
            e1=e1,
            e2=e2,
            e3=e3,
            pe1=parenthesised(e1),
            row2=row2,
            prow2=parenthesised(row2),
            row3=row3,
            x=x,
            y=y,
            z=z,
            py=parenthesised(y),
            pz=parenthesised(z),
        )
        if s > 1
        else gauss(draw)
    )


def cramer(draw: Draw) -> Exercise:
    """Two equations with Cramer's rule."""
    x, y = draw.integer(-6, 8), draw.integer(-6, 8)
    a, b, c, d = draw.integer(2, 7), draw.integer(2, 7), draw.integer(2, 7), draw.integer(2, 7)
    while a * d == b * c:
        d = draw.integer(2, 9)
    e, f, det = a * x + b * y, c * x + d * y, a * d - b * c
    return exercise(
        draw,
        r"""
        ? Use [[Cramer's rule|determinants]] to solve $<a>x + <b>y = <e>$ and $<c>x + <d>y = <f>$.
        - [[The determinant of the system|Main determinant]]: $<a> \times <d> - <b> \times <c> = <det>$.
        - [[Replace the first column by the right side|First column replaced]]:
          $<e> \times <d> - <b> \times <pf> = <dx>$.
        - [[Replace the second column|Second column replaced]]: $<a> \times <pf> - <pe> \times <c> = <dy>$.
        - [[The quotients are|So]] $x = \frac{<dx>}{<det>} = <x>$ and $y = \frac{<dy>}{<det>} = <y>$.
        = $x = <x>$, $y = <y>$
        """,
        a=a,
        b=b,
        c=c,
        d=d,
        e=e,
        f=f,
        pe=parenthesised(e),
        pf=parenthesised(f),
        det=det,
        dx=e * d - b * f,
        dy=a * f - e * c,
        x=x,
        y=y,
    )


def eigenvalues(draw: Draw) -> Exercise:
    """A 2 by 2 matrix with whole eigenvalues."""
    p, q = draw.integer(-5, 6), draw.integer(-5, 6)
    q = q + 1 if p == q else q
    a = draw.integer(-4, 6, besides=(p, q))
    d = p + q - a
    bc = a * d - p * q
    b = next(k for k in (draw.integer(1, 4), 2, 1) if bc % k == 0)
    c = bc // b
    return exercise(
        draw,
        r"""
        ? [[Find the eigenvalues of|Compute the eigenvalues of]] $$A = <m>$$
        - [[The trace is|The sum of the diagonal is]] $<a> + <pd> = <s>$ and the determinant
          $<a> \times <pd> - <b> \times <pc> = <det>$.
        - [[So the characteristic polynomial is|They give the characteristic equation]] $<poly> = 0$.
        - [[Its roots are|It factors as]] $(\lambda <mp>)(\lambda <mq>) = 0$, so $\lambda = <p>$ or $\lambda = <q>$.
        - [[For|An eigenvector for]] $\lambda = <p>$ [[we may take|is]] $v = (<b>, <vy>)$, [[since|because]]
          $<a> \times <b> + <b> \times <pvy> = <avx> = <p> \times <b>$.
        = $\lambda = <p>$ and $\lambda = <q>$
        """,
        m=matrix([[a, b], [c, d]]),
        a=a,
        pd=parenthesised(d),
        s=p + q,
        b=b,
        pc=parenthesised(c),
        det=p * q,
        poly=polynomial([1, -p - q, p * q], r"\lambda"),
        mp=plus(-p),
        mq=plus(-q),
        p=p,
        q=q,
        vy=p - a,
        pvy=parenthesised(p - a),
        avx=p * b,
    )


def vector_length(draw: Draw) -> Exercise:
    """Length of a vector and the unit vector."""
    a, b = draw.integer(-9, 9, besides=(0,)), draw.integer(-9, 9, besides=(0,))
    n = a * a + b * b
    return exercise(
        draw,
        r"""
        ? [[Find the length of|How long is]] the vector $v = (<a>, <b>)$, and [[give|find]] the unit vector in its direction.
        - [[The length is|By Pythagoras]] $\lvert v \rvert = \sqrt{<pa>^{2} + <pb>^{2}} = \sqrt{<n>}<simple>$.
        - [[Divide by the length|Scale by its reciprocal]]: $$\frac{1}{\sqrt{<n>}} <m> \approx <unit>$$
        - [[Its square length is one|Check]]: $\frac{<aa>}{<n>} + \frac{<bb>}{<n>} = 1$.
        = length $<r>$
        """,
        a=a,
        b=b,
        pa=parenthesised(a),
        pb=parenthesised(b),
        n=n,
        m=matrix([[a], [b]]),
        aa=a * a,
        bb=b * b,
        unit=matrix([[f"{a / n**0.5:.3f}"], [f"{b / n**0.5:.3f}"]]),
        r=root(n),
        simple="" if root(n) == rf"\sqrt{{{n}}}" else f" = {root(n)}",
    )


VECTORS = topic(
    "vectors",
    """
    Vectors and the dot product
    Lengths, angles and linear combinations
    Calculating with vectors
    """,
    r"""
    [[A vector is a list of numbers that can be added and scaled.|Vectors have a length and a direction.]] [[In the plane it
    is drawn as an arrow|Arrows in the plane are the standard picture]]; adding means putting one arrow at the tip of the
    other.

    A linear combination $su + tv$ [[scales two vectors and adds them|is what one gets by stretching and adding]]. [[If $u$
    and $v$ do not lie on one line, every vector of the plane can be reached.|Two vectors which are not parallel span the
    whole plane.]]

    The dot product $u \cdot v = u_{1} v_{1} + u_{2} v_{2} + u_{3} v_{3}$ [[takes two vectors and gives a number|is a number
    and not a vector]]. It satisfies $$u \cdot v = \lvert u \rvert \lvert v \rvert \cos \varphi$$ [[where $\varphi$ is the
    angle between them|with the angle $\varphi$ in between]].

    [[The length comes from the dot product of a vector with itself|Pythagoras gives the length]]:
    $\lvert u \rvert = \sqrt{u \cdot u}$. [[Dividing by the length gives a unit vector.|A vector of length one is called a
    unit vector.]]
    """,
    r"""
    [[Only vectors with equally many entries can be combined.|Check the sizes first.]] [[A vector of the plane and one of
    space cannot be added.|There is no sum of a pair and a triple.]]

    [[The dot product of nonzero vectors can be zero.|A zero dot product does not mean a zero vector.]] [[It says that the
    angle is right.|The vectors are then orthogonal.]]
    """,
    dot_product,
    combination,
    vector_length,
)

MATRICES = topic(
    "matrices-and-determinants",
    """
    Matrices, determinants and inverses
    Multiplying and inverting matrices
    Calculating with matrices
    """,
    r"""
    [[A matrix is a table of numbers which stands for a linear map.|A matrix stores a linear map.]] [[Its columns are the
    images of the basis vectors.|The first column says where the first basis vector goes.]]

    [[To multiply, combine rows of the left with columns of the right matrix.|The product takes rows from the left and
    columns from the right.]] The entry in row $i$ and column $j$ is $$c_{ij} = \sum_{k} a_{ik} b_{kj}$$ [[Matrices do not
    commute|In general $AB \ne BA$]], since it matters which map comes first.

    [[The determinant is the factor by which areas grow.|A determinant measures how a map stretches areas.]] For two rows it
    is $ad - bc$. [[If it is zero, the plane is squashed onto a line|A zero determinant means that something is lost]], and
    no inverse exists.

    [[The inverse undoes the map|The inverse matrix satisfies]]: $A A^{-1} = I$. [[For two rows and columns there is a simple
    formula|In the small case one writes it down at once]]: swap the diagonal, change the other signs, and divide by the
    determinant.
    """,
    r"""
    [[Check one entry of $A A^{-1}$.|A test costs one row times one column.]] [[On the diagonal there must be ones, and zeros
    elsewhere.|The upper left entry of the product has to be $1$.]]

    [[The sign pattern of the expansion is a chessboard.|Signs alternate like the colours of a chessboard.]] [[It starts with
    plus in the upper left corner.|The corner has the sign plus.]]
    """,
    matrix_product,
    inverse,
    three_by_three,
)

ELIMINATION = topic(
    "gaussian-elimination",
    """
    Gaussian elimination
    Linear systems and Cramer's rule
    Solving systems with rows and determinants
    """,
    r"""
    [[Three row operations do not change the solutions|A linear system may be changed in three ways]]: swapping rows,
    multiplying a row by a nonzero number, and adding a multiple of one row to another. [[Each can be undone.|All of them
    are reversible.]]

    [[The aim is a staircase.|Elimination works towards a triangle.]] [[Below each leading entry we make zeros|Zeros are
    produced below the pivots]], column by column. [[The last row then has one unknown, and we climb back up.|At the end the
    unknowns are found from the bottom to the top.]]

    [[If a row $0 = c$ with $c \ne 0$ appears, there is no solution.|A row of zeros with a nonzero right side is a
    contradiction.]] [[A full row of zeros means a free parameter.|If a whole row vanishes, one unknown can be chosen
    freely.]]

    Cramer's rule [[writes each unknown as a quotient of determinants|gives each unknown by itself]]:
    $$x_{i} = \frac{\det A_{i}}{\det A}$$ [[where $A_{i}$ has the right side as its column $i$|in $A_{i}$ the column $i$ is
    replaced by the right side]]. [[It is elegant for two or three unknowns and slow for many.|For large systems elimination
    is much faster.]]
    """,
    r"""
    [[Write down which multiple of which row you take.|Note each row operation beside the system.]] [[Otherwise a mistake
    cannot be found later.|It makes the computation readable for others and for you.]]

    [[Put the solution into all equations.|Test every equation.]] [[A correct first equation proves little.|The last equation
    is the most sensitive to mistakes.]]
    """,
    gauss,
    cramer,
)

EIGEN = topic(
    "eigenvalues",
    """
    Eigenvalues and eigenvectors
    The characteristic polynomial
    Eigenvalues of small matrices
    """,
    r"""
    [[Most vectors change their direction when a matrix acts on them.|A matrix turns and stretches vectors.]] An eigenvector
    [[keeps its direction|is only stretched]]: $Av = \lambda v$ with $v \ne 0$. [[The factor $\lambda$ is the
    eigenvalue.|The number $\lambda$ is called its eigenvalue.]]

    [[The equation can be written as $(A - \lambda I)v = 0$.|Bring both sides together: $(A - \lambda I)v = 0$.]] [[A nonzero
    solution exists only if the determinant vanishes|This has a nonzero solution exactly if]]
    $$\det(A - \lambda I) = 0$$ [[which is the characteristic equation|an equation for $\lambda$ alone]].

    For two rows it reads $\lambda^{2} - (a + d)\lambda + (ad - bc) = 0$. [[So the eigenvalues have the trace as their sum and
    the determinant as their product.|Trace and determinant are all we need.]]

    [[In a basis of eigenvectors the matrix is diagonal|Eigenvectors make a matrix diagonal]], and its powers are easy:
    [[each eigenvalue is simply raised to the power|$A^{n} v = \lambda^{n} v$]]. [[This explains the growth of many
    processes.|Populations and recurrences are studied in this way.]]
    """,
    r"""
    [[The zero vector never counts as an eigenvector.|An eigenvector is never zero.]] [[The eigenvalue may be zero,
    though.|Zero is allowed for $\lambda$ and not for $v$.]]

    [[Sum and product of the eigenvalues are a quick check.|Compare with the trace and the determinant.]] [[Both must
    agree.|If they differ, look at the signs.]]
    """,
    eigenvalues,
    inverse,
)

TOPICS = (VECTORS, MATRICES, ELIMINATION, EIGEN)
