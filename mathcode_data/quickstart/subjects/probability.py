"""Probability and statistics: urns and dice, counting, conditional probability, expectation and spread."""

from fractions import Fraction
from math import comb, factorial, perm

from mathcode_data.quickstart.grammar import Draw
from mathcode_data.quickstart.latex import fraction, total
from mathcode_data.quickstart.topic import Exercise, exercise, topic

COLOURS = ("red", "blue", "green", "white", "yellow", "black")


def urn(draw: Draw) -> Exercise:
    """Two draws without replacement."""
    a, b = draw.integer(3, 9), draw.integer(2, 9)
    one, other = draw.some(COLOURS, 2)
    n = a + b
    return exercise(
        draw,
        r"""
        ? [[A bag holds|An urn contains]] $<a>$ <one> and $<b>$ <other> balls. Two are [[drawn|taken]] without
          replacement. [[What is the probability that both are <one>?|How likely are two <one> balls?]]
        - [[For the first draw|First]]: $<a>$ of $<n>$ balls are <one>, so the probability is $\frac{<a>}{<n>}$.
        - [[If that happened|After that]], $<a1>$ of the $<n1>$ [[remaining balls|balls left]] are <one>:
          $\frac{<a1>}{<n1>}$.
        - [[Along a path we multiply|By the product rule]]:
          $$\frac{<a>}{<n>} \times \frac{<a1>}{<n1>} = \frac{<top>}{<bottom>} = <result>$$
        = $<result>$
        """,
        a=a,
        b=b,
        n=n,
        one=one,
        other=other,
        a1=a - 1,
        n1=n - 1,
        top=a * (a - 1),
        bottom=n * (n - 1),
        result=fraction(Fraction(a * (a - 1), n * (n - 1))),
    )


def at_least_one(draw: Draw) -> Exercise:
    """The complement of an event."""
    n, k = draw.integer(2, 5), draw.integer(1, 5)
    return exercise(
        draw,
        r"""
        ? A fair die is [[rolled|thrown]] $<n>$ times. What is the probability of [[at least one|one or more]] $<k>$?
        - [[It is easier to count the opposite|Look at the complement]]: no roll shows a $<k>$.
        - [[One roll misses it|A single miss]] with probability $\frac{5}{6}$, so $<n>$ misses have the probability
          $\left(\frac{5}{6}\right)^{<n>} = \frac{<miss>}{<all>}$.
        - [[The rest is what we want|Subtract from one]]: $$1 - \frac{<miss>}{<all>} = \frac{<hit>}{<all>}$$
        - [[That is about|As a decimal]] $<decimal>$.
        = $\frac{<hit>}{<all>}$
        """,
        n=n,
        k=k,
        miss=5**n,
        all=6**n,
        hit=6**n - 5**n,
        decimal=f"{1 - (5 / 6) ** n:.3f}",
    )


def two_dice(draw: Draw) -> Exercise:
    """The sum of two dice."""
    s = draw.integer(3, 11)
    pairs = [(i, s - i) for i in range(1, 7) if 1 <= s - i <= 6]
    return exercise(
        draw,
        r"""
        ? Two dice are thrown. [[What is the probability of the sum $<s>$?|How likely is a total of $<s>$?]]
        - There are $6 \times 6 = 36$ [[equally likely|equally probable]] outcomes.
        - [[The favourable pairs are|These pairs have the sum $<s>$]]: $<pairs>$, that is $<count>$ of them.
        - [[So the probability is|Divide]] $\frac{<count>}{36} = <result>$.
        = $<result>$
        """,
        s=s,
        pairs=", ".join(f"({i}, {j})" for i, j in pairs),
        count=len(pairs),
        result=fraction(Fraction(len(pairs), 36)),
    )


def committee(draw: Draw) -> Exercise:
    """A binomial coefficient."""
    n, k = draw.integer(6, 14), draw.integer(2, 4)
    product = " \\times ".join(str(n - i) for i in range(k))
    return exercise(
        draw,
        r"""
        ? [[In how many ways can a team of $<k>$ be chosen from $<n>$ people?|How many teams of $<k>$ can be formed out of
          $<n>$ people?|There are $<n>$ candidates. How many teams of $<k>$ are possible?]]
        - [[The order does not matter|Order plays no role]], so the number is $\binom{<n>}{<k>}$.
        - [[With order there would be|Counted with order]] $<product> = <ordered>$ [[choices|lists]].
        - [[Each team was counted|Every team appears]] $<k>! = <kf>$ times, so we divide:
          $<ordered> \div <kf> = <result>$.
        = $\binom{<n>}{<k>} = <result>$
        """,
        n=n,
        k=k,
        product=product,
        ordered=perm(n, k),
        kf=factorial(k),
        result=comb(n, k),
    )


def arrangements(draw: Draw) -> Exercise:
    """Permutations of a word with repeated letters."""
    word, counts = draw.pick(
        (
            ("LEVEL", (2, 2, 1)),
            ("BANANA", (3, 2, 1)),
            ("PEPPER", (3, 2, 1)),
            ("COFFEE", (2, 2, 1, 1)),
            ("ROTOR", (2, 2, 1)),
            ("TOMATO", (2, 2, 1, 1)),
            ("INDIGO", (2, 1, 1, 1, 1)),
            ("LETTER", (2, 2, 1, 1)),
            ("BALLOON", (2, 2, 1, 1, 1)),
            ("SUCCESS", (3, 2, 1, 1)),
            ("KAYAK", (2, 2, 1)),
            ("MAMMAL", (3, 2, 1)),
        )
    )
    n, divisor = sum(counts), 1
    for count in counts:
        divisor *= factorial(count)
    repeats = " \\times ".join(f"{count}!" for count in counts if count > 1)
    return exercise(
        draw,
        r"""
        ? How many different arrangements [[do the letters of|are there of the letters of]] <word> [[have|allow]]?
        - [[If all letters were different|With labels on equal letters]], there would be $<n>! = <nf>$.
        - [[Equal letters may be swapped without a change|Swapping equal letters changes nothing]], so divide by
          $<repeats> = <divisor>$.
        - [[The number is|This leaves]] $<nf> \div <divisor> = <result>$.
        = $<result>$
        """,
        word=word,
        n=n,
        nf=factorial(n),
        repeats=repeats,
        divisor=divisor,
        result=factorial(n) // divisor,
    )


def medical_test(draw: Draw) -> Exercise:
    """Bayes' theorem with natural frequencies."""
    sick, hit, false = draw.integer(1, 9), draw.pick((80, 90, 95)), draw.integer(1, 9)
    true_positive, false_positive = sick * 10 * hit // 100, (1000 - sick * 10) * false // 100
    if sick * 10 * hit % 100 or (1000 - sick * 10) * false % 100:
        scale = 10
        true_positive, false_positive = sick * 100 * hit // 100, (10000 - sick * 100) * false // 100
    else:
        scale = 1
    everyone, ill = 1000 * scale, sick * 10 * scale
    return exercise(
        draw,
        r"""
        ? A [[fault|defect]] is present in <sick> per cent of all parts. A test [[finds it in|detects]] <hit> per cent of the
          bad parts and [[gives a false alarm for|wrongly flags]] <false> per cent of the good ones. A part [[is
          flagged|fails the test]]. How likely is it really bad?
        - [[Imagine|Think of]] $<everyone>$ parts. Then $<ill>$ are bad and $<everyone> - <ill> = <well>$ are good.
        - [[Of the bad ones|Among the bad parts]] $<tp>$ are flagged, of the good ones $<fp>$.
        - [[All in all|Together]] $<tp> + <fp> = <flagged>$ parts are flagged, so
          $$P(B \mid F) = \frac{<tp>}{<flagged>} \approx <decimal>$$
        = about $<decimal>$
        """,
        sick=sick,
        hit=hit,
        false=false,
        everyone=everyone,
        ill=ill,
        well=everyone - ill,
        tp=true_positive,
        fp=false_positive,
        flagged=true_positive + false_positive,
        decimal=f"{true_positive / (true_positive + false_positive):.3f}",
    )


def two_way_table(draw: Draw) -> Exercise:
    """Conditional probability from a table of counts."""
    a, b, c, d = (draw.integer(4, 48) for _ in range(4))
    first, second = draw.pick((("swim", "cycle"), ("read novels", "play chess"), ("sing", "paint"), ("bake", "garden")))
    return exercise(
        draw,
        r"""
        ? In a club $<a>$ members <first> and <second>, $<b>$ only <first>, $<c>$ only <second>, and $<d>$ do neither.
          [[Given that a member does <first>|Among those who <first>]], what is the probability that this member also
          does <second>?
        - [[The condition shrinks the sample space|Only those who <first> count now]]: there are $<a> + <b> = <ab>$ of them.
        - [[Of these|Among them]], $<a>$ also <second>.
        - [[So|Hence]] $P(S \mid F) = \frac{<a>}{<ab>} = <result>$, while in the whole club the share is
          $\frac{<a> + <c>}{<n>} = <share>$.
        = $<result>$
        """,
        a=a,
        b=b,
        c=c,
        d=d,
        first=first,
        second=second,
        ab=a + b,
        n=a + b + c + d,
        result=fraction(Fraction(a, a + b)),
        share=fraction(Fraction(a + c, a + b + c + d)),
    )


def expected_gain(draw: Draw) -> Exercise:
    """The expected value of a small lottery."""
    n = draw.pick((10, 20, 25, 40, 50))
    big, small, count = 5 * draw.integer(4, 12), draw.integer(2, 6), draw.integer(2, 5)
    value = Fraction(big + small * count, n)
    return exercise(
        draw,
        r"""
        ? [[A wheel has|In a raffle there are]] $<n>$ equally likely [[fields|tickets]]. One pays ¤<big>, <count> pay
          ¤<small> each, and the others pay nothing. What is the expected [[prize|payment]]?
        - [[Each prize is weighted with its probability|Multiply each prize by its probability]]:
          $$E(X) = <big> \times \frac{1}{<n>} + <small> \times \frac{<count>}{<n>}$$
        - [[The numerators add up to|Put everything over $<n>$]]: $<big> + <small> \times <count> = <top>$, so
          $E(X) = \frac{<top>}{<n>} = <value>$.
        - [[A fair price for one game would be|Who pays less than this per game wins in the long run; in decimals it is]]
          ¤<decimal>.
        = $<value>$
        """,
        n=n,
        big=big,
        small=small,
        count=count,
        top=big + small * count,
        value=fraction(value),
        decimal=f"{float(value):.2f}",
    )


def mean_and_median(draw: Draw) -> Exercise:
    """Mean, median and range of seven numbers."""
    values = [draw.integer(2, 40) for _ in range(7)]
    values[6] += -sum(values) % 7
    ordered = sorted(values)
    return exercise(
        draw,
        r"""
        ? [[What is the mean and the median of|What are mean and median of]] $<values>$?
        - [[The sum is|Add all values]]: $<total> = <s>$.
        - [[There are $7$ values|Divide by the number of values]], so the mean is $<s> \div 7 = <mean>$.
        - [[For the median sort them|In order they are]]: $<ordered>$.
        - [[The fourth value is in the middle|Three values lie on each side of]] $<median>$, which is the median.
        = mean $<mean>$, median $<median>$
        """,
        values=", ".join(map(str, values)),
        total=total(values),
        s=sum(values),
        mean=sum(values) // 7,
        ordered=", ".join(map(str, ordered)),
        median=ordered[3],
    )


def variance(draw: Draw) -> Exercise:
    """The variance of four numbers."""
    a, b, c = draw.integer(1, 30), draw.integer(1, 30), draw.integer(1, 30)
    d = draw.integer(1, 30)
    d += -(a + b + c + d) % 4
    mean = (a + b + c + d) // 4
    squares = [(v - mean) ** 2 for v in (a, b, c, d)]
    return exercise(
        draw,
        r"""
        ? [[Compute the variance|Find the variance and the standard deviation]] of $<a>, <b>, <c>, <d>$.
        - [[The mean is|First the mean]]: $(<a> + <b> + <c> + <d>) \div 4 = <mean>$.
        - [[The squared distances from it are|Square the differences]]: $<squares>$.
        - [[Their mean is the variance|Average them]]: $<total> = <s>$ and $\frac{<s>}{4} = <var>$.
        - [[The standard deviation is its root|The root of it]], $\sigma \approx <sd>$.
        = $<var>$
        """,
        a=a,
        b=b,
        c=c,
        d=d,
        mean=mean,
        squares=", ".join(map(str, squares)),
        total=total(squares),
        s=sum(squares),
        var=fraction(Fraction(sum(squares), 4)),
        sd=f"{(sum(squares) / 4) ** 0.5:.2f}",
    )


CHANCE = topic(
    "probability-basics",
    """
    First steps in probability
    Dice, urns and the product rule
    Probabilities of combined events
    """,
    r"""
    [[If all outcomes are equally likely, probability is counting.|Laplace's rule turns probability into counting.]] The
    probability of an event $A$ is $$P(A) = \frac{\lvert A \rvert}{\lvert \Omega \rvert}$$ [[favourable outcomes over all
    outcomes|the number of favourable cases over the number of possible ones]].

    [[A probability is a number between $0$ and $1$.|Every probability lies between zero and one.]] [[Impossible events have
    the probability $0$ and certain ones the probability $1$.|Zero means impossible, one means certain.]] The complement
    has $P(\overline{A}) = 1 - P(A)$.

    [[Experiments in several steps are drawn as trees.|A tree diagram shows experiments with stages.]] [[Along a path the
    probabilities are multiplied|Multiply along the branches]], and the probabilities of different paths are added.

    Two events are independent if $P(A \cap B) = P(A) P(B)$. [[Draws with replacement are independent, draws without are
    not.|Putting the ball back makes the draws independent.]] [[A die has no memory|Coins and dice do not remember]], so
    after five sixes the next six is as likely as ever.
    """,
    r"""
    [[Make sure that the outcomes are equally likely.|Equally likely is an assumption.]] [[The sums of two dice are not:
    there is one way to get $2$ and six ways to get $7$.|Eleven sums are possible with two dice, but they do not all have
    the same chance.]]

    [[At least one is a signal.|When you read at least one, think of the opposite.]] [[The complement has a single case
    where the event itself has many.|None is easier to count than one, two, three or more.]]
    """,
    urn,
    at_least_one,
    two_dice,
)

COUNTING = topic(
    "counting",
    """
    Counting with and without order
    Binomial coefficients and permutations
    The art of counting
    """,
    r"""
    [[If one choice has $m$ options and the next has $n$, both together have $mn$.|The basic rule of counting is
    multiplication.]] [[This works for any number of steps|It extends to many choices]], so $n$ different things can be
    lined up in $n! = n(n - 1) \cdots 2 \cdot 1$ ways.

    [[When the order does not matter, each selection was counted several times.|Without order there are fewer choices.]] A
    set of $k$ things can be ordered in $k!$ ways, so the number of sets is
    $$\binom{n}{k} = \frac{n!}{k!(n - k)!}$$

    [[To choose who comes is to choose who stays.|Choosing $k$ things means leaving out $n - k$.]] Therefore
    $\binom{n}{k} = \binom{n}{n-k}$. [[The numbers form Pascal's triangle|They stand in Pascal's triangle]], where each is
    the sum of the two above it: $\binom{n}{k} = \binom{n-1}{k-1} + \binom{n-1}{k}$.

    [[Repeated letters call for division.|What if some things are equal?]] [[Give equal letters labels, count, and divide by
    the number of ways to permute the labels.|Count as if they were different and divide by the swaps that cannot be
    seen.]]
    """,
    r"""
    [[First ask whether order matters and whether repetition is allowed.|Two questions decide which formula applies.]]
    [[A code has an order, a team has none.|For a lock the order counts, for a handful of cards it does not.]]

    [[Small cases can be listed.|Test your formula on a small case.]] [[With three letters one can write down all six
    orders.|For $n = 3$ all arrangements fit on one line.]]
    """,
    committee,
    arrangements,
)

CONDITIONAL = topic(
    "conditional-probability",
    """
    Conditional probability and Bayes
    Given that: conditional probabilities
    Tests, tables and Bayes' theorem
    """,
    r"""
    [[New information changes probabilities.|A probability may change when we learn something.]] The probability of $A$
    given $B$ is $$P(A \mid B) = \frac{P(A \cap B)}{P(B)}$$ [[We look only at the cases in which $B$ happened.|The event
    $B$ becomes the new sample space.]]

    [[The order of the events matters.|$P(A \mid B)$ and $P(B \mid A)$ are different things.]] [[Nearly all professional
    basketball players are tall, but few tall people are such players.|Most poets write, yet most people who write are no
    poets.]]

    Bayes' theorem turns a condition round: $P(A \mid B) = \frac{P(B \mid A) P(A)}{P(B)}$. [[It needs the base rate
    $P(A)$|The base rate $P(A)$ enters]], which is so easily forgotten.

    [[Whole numbers make it clear.|It helps to think of a thousand cases.]] [[Instead of percentages, count how many of
    them fall in each class|Fill a table with counts]], and the answer is a simple ratio.
    """,
    r"""
    [[If the condition is rare, most alarms are false.|A good test can still give mostly false alarms.]] [[This is no fault
    of the test, but of the small base rate.|The many healthy cases outweigh the few others.]]

    [[Independence means that the condition changes nothing|For independent events the condition has no effect]]:
    $P(A \mid B) = P(A)$.
    """,
    medical_test,
    two_way_table,
    urn,
)

SPREAD = topic(
    "expectation-and-spread",
    """
    Expected value and variance
    Mean, median and spread of data
    What to expect: averages in probability and statistics
    """,
    r"""
    [[The expected value is the mean of a random variable in the long run.|If an experiment is repeated often, the mean of
    the results settles down.]] It is computed by $$E(X) = \sum x_{i} p_{i}$$ [[each value weighted with its
    probability|values times probabilities]].

    [[Expectations add up|The expectation is linear]]: $E(X + Y) = E(X) + E(Y)$, [[even if $X$ and $Y$ depend on each
    other|whether or not the two are independent]].

    [[The mean is pulled by outliers, the median is not.|One extreme value moves the mean but hardly the median.]] [[If one
    very rich person enters a room, the mean income jumps and the median stays.|This is why incomes are better described by
    the median.]]

    [[Two data sets can have the same mean and still look different.|The mean says nothing about the spread.]] The variance
    $\sigma^{2} = \frac{1}{n} \sum (x_{i} - \mu)^{2}$ [[is the mean squared distance from the mean|measures how far the
    values lie from their mean]]. [[Its root has the unit of the data again.|The standard deviation $\sigma$ is its
    root.]]
    """,
    r"""
    [[The expected value need not be a possible value.|Nobody ever rolls the expected value of a die.]] For a die it is
    $\frac{7}{2}$, [[which is on no face|and no face shows it]].

    [[Sort before you take the median.|The median needs sorted data.]] [[With an even number of values it is the mean of the
    two in the middle.|If there are two middle values, take their mean.]]
    """,
    expected_gain,
    mean_and_median,
    variance,
)

TOPICS = (CHANCE, COUNTING, CONDITIONAL, SPREAD)
