"""Geometry: right triangles, circles, similarity and area, coordinates, solids."""

from fractions import Fraction
from math import gcd, pi

from mathcode_data.quickstart.grammar import Draw
from mathcode_data.quickstart.latex import fraction, parenthesised, plus, root
from mathcode_data.quickstart.topic import Exercise, exercise, topic

TRIPLES = ((3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29), (9, 40, 41), (12, 35, 37), (11, 60, 61))


def hypotenuse(draw: Draw) -> Exercise:
    """The third side of a right triangle."""
    a, b = draw.integer(2, 16), draw.integer(2, 16)
    return exercise(
        draw,
        r"""
        ? The legs of a right triangle [[have the lengths|are]] $<a>$ and $<b>$. [[How long is the hypotenuse?|Find the
          longest side.]]
        - [[By the theorem of Pythagoras|Pythagoras says]] $c^{2} = a^{2} + b^{2}$.
        - [[The squares are|Square the legs]]: $<a>^{2} = <aa>$ and $<b>^{2} = <bb>$, [[together|in all]]
          $<aa> + <bb> = <cc>$.
        - [[Take the root|So]] $c = \sqrt{<cc>}<simple>$, [[about|roughly]] $<decimal>$.
        = $<c>$
        """,
        a=a,
        b=b,
        aa=a * a,
        bb=b * b,
        cc=a * a + b * b,
        c=root(a * a + b * b),
        decimal=f"{(a * a + b * b) ** 0.5:.2f}",
        simple="" if root(a * a + b * b) == rf"\sqrt{{{a * a + b * b}}}" else f" = {root(a * a + b * b)}",
    )


def ladder(draw: Draw) -> Exercise:
    """A word problem with a Pythagorean triple."""
    x, y, z = draw.pick(TRIPLES)
    k = draw.integer(1, 4)
    if draw.chance(0.5):
        x, y = y, x
    what = draw.pick(("ladder", "plank", "ramp", "wire", "beam"))
    return exercise(
        draw,
        r"""
        ? A <what> of length $<c>$ [[leans against a wall|reaches from the ground to a wall]]. Its foot is $<a>$ away from
          the wall. [[How high does it reach?|At what height does it touch the wall?]]
        - [[Wall, ground and <what> form a right triangle|There is a right angle between wall and ground]], and the <what>
          is the hypotenuse.
        - [[So the height satisfies|Hence]] $h^{2} = <c>^{2} - <a>^{2} = <cc> - <aa> = <bb>$.
        - [[The root is|Therefore]] $h = \sqrt{<bb>} = <b>$.
        = $<b>$
        """,
        what=what,
        a=k * x,
        b=k * y,
        c=k * z,
        aa=k * k * x * x,
        bb=k * k * y * y,
        cc=k * k * z * z,
    )


def circle(draw: Draw) -> Exercise:
    """Circumference and area."""
    r = draw.integer(2, 30)
    return exercise(
        draw,
        r"""
        ? [[Find the circumference and the area of|Compute circumference and area of]] a circle of radius $<r>$.
        - [[The circumference is|For the circumference]] $C = 2 \pi r = 2 \times <r> \times \pi = <d> \pi \approx <c>$.
        - [[The area is|For the area]] $A = \pi r^{2} = <r>^{2} \times \pi = <rr> \pi \approx <area>$.
        = $<d> \pi$ and $<rr> \pi$
        """,
        r=r,
        d=2 * r,
        rr=r * r,
        c=f"{2 * pi * r:.2f}",
        area=f"{pi * r * r:.2f}",
    )


def sector(draw: Draw) -> Exercise:
    """A sector of a circle."""
    r, angle = draw.integer(3, 18), draw.pick((30, 40, 45, 60, 72, 90, 100, 120, 135, 150))
    arc, area = Fraction(angle, 360) * 2 * r, Fraction(angle, 360) * r * r
    return exercise(
        draw,
        r"""
        ? A [[sector|slice of a circle]] has radius $<r>$ and central angle $<angle>^{\circ}$. [[How long is its arc, and what
          is its area?|Find arc length and area.]]
        - [[The sector is this part of the circle|Its share of the full circle is]]:
          $\frac{<angle>}{360} = <share>$.
        - [[The arc is this share of the circumference|Arc]]: $<share> \times <d> \pi = <arc> \pi$.
        - [[The area is the same share of the area|Area]]: $<share> \times <rr> \pi = <area> \pi$.
        = arc $<arc> \pi$, area $<area> \pi$
        """,
        r=r,
        angle=angle,
        share=fraction(Fraction(angle, 360)),
        d=2 * r,
        rr=r * r,
        arc=fraction(arc),
        area=fraction(area),
    )


def angles(draw: Draw) -> Exercise:
    """The third angle of a triangle."""
    a, b = draw.integer(25, 80), draw.integer(25, 80)
    return exercise(
        draw,
        r"""
        ? Two angles of a triangle are $<a>^{\circ}$ and $<b>^{\circ}$. [[How large are the third angle and its exterior
          angle?|Find the third angle and the angle next to it outside.]]
        - The angles [[of a triangle add up to|in every triangle make]] $180^{\circ}$, so the third is
          $180 - <a> - <b> = <c>$ degrees.
        - The exterior angle is $180 - <c> = <e>$ degrees, [[the sum of the other two|and indeed]]
          $<a> + <b> = <e>$.
        = $<c>^{\circ}$ and $<e>^{\circ}$
        """,
        a=a,
        b=b,
        c=180 - a - b,
        e=a + b,
    )


def similar(draw: Draw) -> Exercise:
    """Shadows and similar triangles."""
    k, tall, stick = draw.integer(3, 12), draw.integer(2, 6), draw.integer(2, 5)
    shadow = draw.integer(1, 4) + stick
    thing = draw.pick(("tree", "church tower", "flagpole", "chimney", "lighthouse", "crane"))
    return exercise(
        draw,
        r"""
        ? A stick of height $<stick>$ [[casts|throws]] a shadow of length $<shadow>$. At the same time the shadow of a <thing>
          is $<long>$ [[long|units long]]. How high is the <thing>?
        - [[The sun's rays are parallel|All rays have the same angle]], so the two triangles are similar.
        - [[The scale factor is|Compare the shadows]]: $<long> \div <shadow> = <k>$.
        - [[The heights have the same ratio|Multiply the height of the stick]]: $<stick> \times <k> = <height>$.
        = $<height>$
        """,
        stick=stick,
        shadow=shadow,
        k=k * tall,
        long=shadow * k * tall,
        height=stick * k * tall,
        thing=thing,
    )


def triangle_area(draw: Draw) -> Exercise:
    """Area of a triangle and a trapezium."""
    g, h, top = 2 * draw.integer(2, 20), draw.integer(3, 25), draw.integer(2, 18)
    return exercise(
        draw,
        r"""
        ? [[Find the area of|Work out the area of]] a triangle with base $<g>$ and height $<h>$, and of a trapezium with parallel
          sides $<g>$ and $<top>$ and the same height.
        - The triangle is half a [[rectangle|parallelogram]]: $<g> \times <h> \div 2 = <tri>$.
        - For the trapezium [[take the mean of the parallel sides|the two parallel sides are averaged]]:
          $$\frac{<g> + <top>}{2} \times <h> = \frac{<sum> \times <h>}{2} = <area>$$
        = $<tri>$ and $<area>$
        """,
        g=g,
        h=h,
        top=top,
        tri=g * h // 2,
        sum=g + top,
        area=fraction(Fraction((g + top) * h, 2)),
    )


def line_through(draw: Draw) -> Exercise:
    """The line through two points."""
    x1, x2 = draw.integer(-6, 3), draw.integer(4, 9)
    m, b = draw.integer(-5, 5, besides=(0,)), draw.integer(-9, 9, besides=(0,))
    y1, y2 = m * x1 + b, m * x2 + b
    slope = {1: "", -1: "-"}.get(m, str(m))
    return exercise(
        draw,
        r"""
        ? [[Find the line through|Give the equation of the line through]] $(<x1>, <y1>)$ and $(<x2>, <y2>)$.
        - [[The slope is rise over run|Slope]]: $$m = \frac{<y2> - <py1>}{<x2> - <px1>} = \frac{<dy>}{<dx>} = <m>$$
        - [[Insert the first point into|With the first point in]] $y = mx + b$: $<y1> = <m> \times <px1> + b$, so
          $b = <y1> - (<mx>) = <b>$.
        - [[The line is|So the equation is]] $y = <slope>x <pb>$. [[The second point fits|Check with the second point]]:
          $<m> \times <x2> <pb> = <y2>$.
        = $y = <slope>x <pb>$
        """,
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
        py1=parenthesised(y1),
        px1=parenthesised(x1),
        dy=y2 - y1,
        dx=x2 - x1,
        m=m,
        mx=m * x1,
        b=b,
        slope=slope,
        pb=plus(b),
    )


def distance(draw: Draw) -> Exercise:
    """Distance and midpoint."""
    x, y, a, b = (draw.integer(-9, 9) for _ in range(4))
    a = a + 1 if a == x and b == y else a
    dd = (a - x) ** 2 + (b - y) ** 2
    return exercise(
        draw,
        r"""
        ? [[How far apart are|What is the distance between]] $P(<x>, <y>)$ and $Q(<a>, <b>)$, and where is the midpoint?
        - [[The differences of the coordinates are|Subtract the coordinates]]: $<a> - <px> = <dx>$ and
          $<b> - <py> = <dy>$.
        - [[Pythagoras gives|The distance is]] $d = \sqrt{<pdx>^{2} + <pdy>^{2}} = \sqrt{<dd>}$, [[about|which is roughly]]
          $<decimal>$.
        - [[The midpoint is the mean of the ends|For the midpoint average]]:
          $M\left(\frac{<x> + <pa>}{2}, \frac{<y> + <pb>}{2}\right) = \left(<mx>, <my>\right)$.
        = $d = <d>$, $M\left(<mx>, <my>\right)$
        """,
        x=x,
        y=y,
        a=a,
        b=b,
        px=parenthesised(x),
        py=parenthesised(y),
        pa=parenthesised(a),
        pb=parenthesised(b),
        dx=a - x,
        dy=b - y,
        pdx=parenthesised(a - x),
        pdy=parenthesised(b - y),
        dd=dd,
        d=root(dd),
        decimal=f"{dd**0.5:.2f}",
        mx=fraction(Fraction(x + a, 2)),
        my=fraction(Fraction(y + b, 2)),
    )


def solids(draw: Draw) -> Exercise:
    """Volume of a box, a cylinder or a cone."""
    a, b, c = draw.integer(2, 15), draw.integer(2, 15), 3 * draw.integer(1, 8)
    if draw.chance(0.5):
        return exercise(
            draw,
            r"""
            ? A box [[measures|has the edges]] $<a>$, $<b>$ and $<c>$. Find its volume and its surface.
            - [[The volume is the product of the edges|Volume]]: $<a> \times <b> \times <c> = <v>$.
            - [[Each face appears twice|Opposite faces are equal]]:
              $2 \times (<ab> + <bc> + <ac>) = 2 \times <half> = <s>$.
            = volume $<v>$, surface $<s>$
            """,
            a=a,
            b=b,
            c=c,
            v=a * b * c,
            ab=a * b,
            bc=b * c,
            ac=a * c,
            half=a * b + b * c + a * c,
            s=2 * (a * b + b * c + a * c),
        )
    return exercise(
        draw,
        r"""
        ? A cylinder and a cone both have radius $<a>$ and height $<c>$. Compare their volumes.
        - [[The base has the area|Both stand on the area]] $\pi \times <a>^{2} = <aa> \pi$.
        - The cylinder [[holds|has the volume]] $<aa> \times <c> \times \pi = <v> \pi$.
        - [[A cone is one third of it|The cone has a third]]: $<v> \div 3 = <third>$, so its volume is $<third> \pi$.
        = $<v> \pi$ and $<third> \pi$
        """,
        a=a,
        c=c,
        aa=a * a,
        v=a * a * c,
        third=a * a * c // 3,
    )


def scale_model(draw: Draw) -> Exercise:
    """How areas and volumes scale."""
    k, a = draw.integer(2, 12), draw.integer(2, 30)
    g = gcd(k, a)
    return exercise(
        draw,
        r"""
        ? A [[sculpture|toy house]] is enlarged so that every length is multiplied by $<k>$. Its surface was $<a>$ and its
          volume $<v>$. [[What are they now?|Find the new values.]]
        - [[Areas grow with the square|An area is multiplied by the square of the factor]]: $<k>^{2} = <kk>$, so the surface
          is $<a> \times <kk> = <area>$.
        - [[Volumes grow with the cube|A volume is multiplied by the cube]]: $<k>^{3} = <kkk>$, so the volume is
          $<v> \times <kkk> = <volume>$.
        = surface $<area>$, volume $<volume>$
        """,
        k=k,
        a=a,
        v=a // g + 3,
        kk=k * k,
        kkk=k**3,
        area=a * k * k,
        volume=(a // g + 3) * k**3,
    )


PYTHAGORAS = topic(
    "right-triangles",
    """
    The theorem of Pythagoras
    Right triangles
    Pythagoras in practice
    """,
    r"""
    [[In a right triangle the side opposite the right angle is called the hypotenuse.|The longest side of a right triangle,
    the hypotenuse, lies opposite the right angle.]] The theorem of Pythagoras says that $$a^{2} + b^{2} = c^{2}$$ [[where
    $c$ is the hypotenuse and $a$ and $b$ are the legs|for the legs $a$, $b$ and the hypotenuse $c$]].

    [[There are hundreds of proofs.|The shortest proofs use areas.]] Put four copies of the triangle into a square of side
    $a + b$, [[so that a tilted square of side $c$ remains in the middle|leaving a square of area $c^{2}$ in the centre]].
    Comparing areas, $(a + b)^{2} = 4 \cdot \frac{ab}{2} + c^{2}$, [[and the mixed terms cancel|which simplifies to the
    claim]].

    [[The converse is true as well.|It also works backwards.]] [[If the sides satisfy the equation, there is a right
    angle.|A triangle whose sides satisfy the equation has a right angle.]] [[Builders use a rope with twelve knots and the
    sides $3$, $4$ and $5$.|This was used to lay out fields and temples.]]

    Three whole numbers with $a^{2} + b^{2} = c^{2}$ [[form a Pythagorean triple|are called a Pythagorean triple]]. All of
    them [[come from|arise from]] $m^{2} - n^{2}$, $2mn$ and $m^{2} + n^{2}$, [[up to a common factor|if common factors are
    allowed]].
    """,
    r"""
    [[Find the right angle before you write anything.|Which side is the hypotenuse?]] [[The hypotenuse is always opposite the
    right angle|It is the one that does not touch the right angle]], and its square stands alone.

    [[The root of a sum is not the sum of the roots.|Do not take roots term by term.]] In the triangle with legs $3$ and $4$
    the hypotenuse is $5$ [[and not $7$|while $3 + 4 = 7$]].
    """,
    hypotenuse,
    ladder,
    distance,
)

CIRCLES = topic(
    "circles",
    """
    Circles: circumference, area, sectors
    The number pi and the circle
    Arcs and sectors
    """,
    r"""
    [[The ratio of circumference to diameter is the same for all circles.|All circles are similar.]] [[This ratio is called
    $\pi$|The ratio of circumference and diameter is therefore one number, $\pi$]], about $3.14159$, and so
    $C = 2 \pi r$.

    [[Why is the area $\pi r^{2}$?|The area can be understood by cutting.]] Cut the disc into many thin slices and lay them
    side by side, [[pointing up and down in turn|tips up and tips down]]. [[The result is nearly a rectangle with the sides
    $\pi r$ and $r$.|The more slices, the closer it comes to a rectangle of width $\pi r$ and height $r$.]]

    [[A sector is a share of the disc.|Sectors are simple proportions.]] With the central angle $\alpha$ its arc is
    $\frac{\alpha}{360^{\circ}} \cdot 2 \pi r$ and its area $\frac{\alpha}{360^{\circ}} \cdot \pi r^{2}$. [[Both are the same
    fraction of the whole.|The same fraction applies to both.]]

    [[Archimedes trapped $\pi$ between polygons.|Already Archimedes knew good bounds.]] With $96$ corners he found
    $$3 \tfrac{10}{71} < \pi < 3 \tfrac{1}{7}$$ [[by nothing but repeated roots|doubling the number of corners four
    times]].
    """,
    r"""
    [[Radius or diameter?|Read carefully whether the radius or the diameter is given.]] [[Taking one for the other makes the
    area wrong by a factor of four.|The area then changes by the factor $4$.]]

    [[Leave $\pi$ in the result as long as possible.|Keep the symbol $\pi$ until the end.]] [[Rounding early adds errors in
    every further step.|An exact result can be rounded later, a rounded one cannot be repaired.]]
    """,
    circle,
    sector,
)

SHAPES = topic(
    "triangles-and-solids",
    """
    Triangles, similarity and volume
    Areas, angles and similar figures
    Measuring triangles and solids
    """,
    r"""
    [[The angles of a triangle add up to two right angles.|In the plane, the three angles of a triangle make
    $180^{\circ}$.]] [[Draw a parallel to one side through the opposite corner|A parallel through a corner proves it]]: the
    three angles then lie side by side along a straight line.

    [[Two figures are similar if one is an enlarged copy of the other.|Similar figures have the same shape and different
    sizes.]] [[All lengths are multiplied by the same factor $k$|Each length is $k$ times as long]], areas by $k^{2}$ and
    volumes by $k^{3}$.

    [[Equal angles are enough for triangles|For triangles it suffices to compare angles]]: if two triangles agree in two
    angles, they are similar. [[This lets us measure what we cannot reach|So the height of a tower can be found without
    climbing it]], with nothing but a stick and its shadow.

    The area of a triangle is $A = \frac{1}{2} g h$. [[Two copies of it make a parallelogram|A diagonal halves a
    parallelogram]] with the same base and height. [[Every polygon can be cut into triangles.|Other polygons are cut into
    triangles first.]]

    [[A prism has the volume base times height|Base area times height gives the volume of a prism or a cylinder]], and a
    pyramid or a cone [[one third of that|is a third as large]]. [[Three pyramids fit into a cube.|A cube falls into three
    equal pyramids with a common tip.]]
    """,
    r"""
    [[The height is perpendicular to the base.|Take the height and not a slanted side.]] [[In an obtuse triangle it lies
    outside.|It may fall outside the triangle.]]

    [[Put the units under each other.|Convert all lengths to one unit first.]] [[A square metre has ten thousand square
    centimetres.|Areas need the square of the conversion factor.]]
    """,
    angles,
    similar,
    triangle_area,
    solids,
    scale_model,
)

COORDINATES = topic(
    "coordinate-geometry",
    """
    Lines and distances in the plane
    Coordinate geometry: slope, midpoint, distance
    Straight lines and their equations
    """,
    r"""
    [[Coordinates turn geometry into algebra.|Descartes joined geometry and algebra.]] [[A point is a pair of numbers and a
    line an equation|Points become pairs $(x, y)$ and lines become equations]], and to intersect two lines is to solve two
    equations.

    The slope of a line [[says how much $y$ changes when $x$ grows by one|is rise over run]]:
    $$m = \frac{y_{2} - y_{1}}{x_{2} - x_{1}}$$ [[It is the same for any two points of the line.|Similar triangles show that
    any two points give the same value.]]

    [[In $y = mx + b$ the number $b$ is where the line meets the $y$-axis.|The constant $b$ of $y = mx + b$ is the value at
    $x = 0$.]] [[Vertical lines have no slope|A vertical line cannot be written in this way]]; their equation is $x = c$.

    [[Parallel lines have equal slopes.|Two lines are parallel if their slopes agree.]] [[They are perpendicular if
    $m_{1} m_{2} = -1$|The slopes of perpendicular lines multiply to $-1$]], as a quarter turn swaps rise and run and
    changes one sign.

    [[The distance of two points is a hypotenuse|For distances use Pythagoras]]:
    $d = \sqrt{(x_{2} - x_{1})^{2} + (y_{2} - y_{1})^{2}}$. The midpoint [[has the mean of the coordinates|averages the
    coordinates]].
    """,
    r"""
    [[Subtract in the same order above and below.|Keep the order of the points.]] [[If the order changes between numerator
    and denominator, the slope gets the wrong sign.|Mixing the order turns a rising line into a falling one.]]

    [[A sketch shows at once whether the slope is positive.|Always make a quick sketch.]] [[A line that falls from left to
    right has a negative slope.|Rising lines have positive slopes and falling ones negative slopes.]]
    """,
    line_through,
    distance,
)

TOPICS = (PYTHAGORAS, CIRCLES, SHAPES, COORDINATES)
