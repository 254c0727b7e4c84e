"""Ordinary pages, part one: recipes, travel notes, match reports and household questions. No mathematics."""

from mathcode_data.quickstart.article import Article, Block, Post, Thread, heading, paragraph
from mathcode_data.quickstart.grammar import Draw, paragraphs
from mathcode_data.quickstart.threads import USERS, date

VEGETABLES = ("leeks", "carrots", "courgettes", "spinach", "red lentils", "mushrooms", "chickpeas", "parsnips", "fennel",
              "white beans", "sweet potatoes", "cauliflower", "peas", "kale")  # fmt: skip
HERBS = ("thyme", "parsley", "dill", "coriander", "rosemary", "sage", "chives", "basil", "tarragon", "mint")
DISHES = ("soup", "stew", "tart", "bake", "salad", "curry", "risotto", "pie", "gratin", "pilaf")
TOWNS = ("Valbrook", "Port Ansel", "Mirrowa", "Oldenmere", "Sant Arlo", "Kestrel Bay", "Dunhollow", "Lake Therin", "Costa Vera",
         "Marenholm", "Pinecrest", "Ostrava Hill", "Quillan", "Brightwater", "Tarnmoor", "Elstow")  # fmt: skip
CLUBS = ("Rovers", "United", "Athletic", "Wanderers", "City", "Harriers", "Town", "Rangers")
PLAYERS = ("Okafor", "Lindqvist", "Marchetti", "Duarte", "Novak", "Hargreaves", "Iversen", "Tanaka", "Bellini", "Achterberg",
           "Mbeki", "Sorensen", "Villanueva", "Kowalski", "Fontaine", "Petrov")  # fmt: skip

_RECIPE_START = paragraphs("""
    [[This <dish> has been on our table every <season> since I was small.|I wrote this recipe down for a neighbour who asked for
    it twice.|On cold evenings nothing beats a <dish> with <first>.|My aunt made this without ever measuring anything.]] [[It
    keeps well and tastes even better on the second day.|Children like it too, as long as you go easy on the <herb>.|It is
    cheap, filling and quick to clean up after.|You can have it ready before the guests have hung up their coats.]]

    [[The secret is to take your time with the onions.|Do not rush the first ten minutes.|Good stock makes all the
    difference.]] [[If you cannot find <first>, use <second> instead.|Frozen <first> work just as well.|Ask at the market for
    young <first>, they are sweeter.]] [[A little <herb> at the end wakes everything up.|Fresh <herb> is best, but dried will
    do.]]
    """)
_RECIPE_STEPS = (
    "[[Peel and chop|Wash and slice|Trim and dice]] the <first> and set them aside.",
    "[[Warm the oil|Melt the butter]] in a heavy pan and [[soften|gently fry]] the onion until it is [[golden|glassy]].",
    "Add the <first> and the <second>, [[stir well|toss to coat]] and cook for <minutes> minutes.",
    "[[Pour in the stock|Add the stock]], bring to the boil, then [[turn down the heat|let it simmer]] with the lid on.",
    "[[Season with salt and pepper|Taste and adjust the salt]] and add the <herb>.",
    "[[Leave to rest for a few minutes|Let it stand off the heat]] before you serve it.",
    "[[Serve with crusty bread|Spoon over rice|Serve in warm bowls]] and a [[green salad|wedge of lemon]].",
)


def recipe(draw: Draw) -> Article:
    """A recipe with ingredients and method."""
    first, second = draw.some(VEGETABLES, 2)
    values = {
        "dish": draw.pick(DISHES),
        "first": first,
        "second": second,
        "herb": draw.pick(HERBS),
        "season": draw.pick(("winter", "summer", "autumn", "spring")),
        "minutes": draw.integer(5, 40),
    }
    grams = 50 * draw.integer(3, 14)
    ingredients = (
        f"{grams} g {first}",
        f"{grams // 2} g {second}",
        f"{draw.integer(1, 3)} onions",
        f"{draw.integer(2, 5)} cloves of garlic",
        f"a handful of {values['herb']}",
        f"{100 * draw.integer(4, 12)} ml vegetable stock",
        "salt, pepper and a splash of oil",
    )
    intro = [paragraph(draw.say(text, **values)) for text in _RECIPE_START]
    steps = tuple(draw.say(step, **values) for step in draw.some(_RECIPE_STEPS, draw.integer(5, 7)))
    title = draw.say("[[|Easy |Grandmother's |Weeknight |Simple ]]<first> and <second> <dish>", **values)
    return Article(
        title[0].upper() + title[1:],
        (
            *intro,
            heading("Ingredients"),
            paragraph(f"Serves {draw.integer(2, 8)}, ready in {draw.integer(25, 95)} minutes."),
            Block("ul", tuple(draw.shuffled(ingredients))),
            heading("Method"),
            Block("ol", steps),
            paragraph(
                draw.say(
                    "[[Leftovers keep for two days in the fridge.|It freezes well.|Best eaten the "
                    "same day.]] [[Tell us in the comments how yours turned out.|Enjoy!|Share a "
                    "photo if you make it.]]"
                )
            ),
        ),
    )


_TRAVEL = paragraphs("""
    [[We arrived in <town> late on a <weather> evening.|The train to <town> follows the river for an hour and is worth the
    fare alone.|Nobody had told us how quiet <town> is before the season.|<town> is one of those places that guidebooks
    skip.]] [[Our room looked out over the <sight>.|From the station it is a short walk to the <sight>.|The landlady gave us a
    map with the <sight> marked in red.]]

    [[The <sight> opens at nine and is best seen early.|In the morning we climbed up to the <sight>.|Everyone meets at the
    <sight>, and so did we.]] [[A guide in a straw hat told stories about smugglers.|The view reaches as far as
    <other>.|Swallows nest under the roof.|We had the place to ourselves.]] [[Admission is ¤<price>, children go free.|Tickets
    cost between ¤<price> and ¤<more>, depending on the day.|There is no charge, but leave something in the box.]]

    [[For lunch try the fried sardines at the harbour.|The bakery behind the church sells plum cake by the slice.|We ate
    dumplings in a cellar full of students.|Go to the market for cheese and olives.]] [[Nothing cost more than ¤<more>.|Bring
    cash, since few places take cards.|The portions are enormous.]]

    [[On the second day we rented bicycles and rode to <other>.|A ferry leaves for <other> every two hours.|If you have a free
    afternoon, walk the old mule path to <other>.]] [[The road winds through vineyards.|There are blackberries along the
    way.|Take a hat, there is hardly any shade.]] [[We got lost twice and did not mind.|We were back before dark.]]

    [[The best time to come is May or September.|Avoid August if you can.|Winter has a charm of its own, with fog and empty
    lanes.]] [[Buses run all year.|Book the sleeper early.|The tourist office is closed on Mondays.]] [[We will be
    back.|Next time we shall stay longer.]]
    """)
_SIGHTS = ("old lighthouse", "castle", "fish market", "botanical garden", "chapel on the hill", "salt museum", "stone bridge",
           "harbour", "clock tower", "lake", "monastery", "weavers' quarter")  # fmt: skip


def travel(draw: Draw) -> Article:
    """A travel note."""
    town, other = draw.shuffled(TOWNS)[:2]
    price = draw.integer(2, 14)
    parts = [
        paragraph(
            draw.say(
                text,
                town=town,
                other=other,
                sight=draw.pick(_SIGHTS),
                price=price,
                more=price + draw.integer(3, 12),
                weather=draw.pick(("rainy", "warm", "foggy", "windy")),
            )
        )
        for text in _TRAVEL
    ]
    title = draw.say("[[Two days in|A weekend in|Postcards from|Why we fell for|Slow travel:]] <town>", town=town)
    return Article(title, tuple(parts))


_MATCH = paragraphs("""
    [[<home> beat <away> <h> to <a> on <day> in front of <crowd> spectators.|A late goal by <p> settled the match between <home>
    and <away>.|It was not pretty, but <home> will not care after a <h>-<a> win over <away>.]] [[The visitors had started
    well.|Heavy rain made passing difficult.|The home crowd was in good voice from the start.]]

    [[<p> opened the scoring in minute <m> with a header from a corner.|The first goal came after <m> minutes, when <p> found
    the far post.|After <m> minutes <p> was left alone in the box and did not miss.]] [[<q> nearly equalised before the
    break.|The keeper kept his side in the game with a fine save from <q>.|A free kick by <q> hit the bar.]]

    [[The second half belonged to <q>, who ran at the defence again and again.|After the break the coach brought on <q>, and the
    pace changed.|Both teams had a penalty appeal turned down.]] [[A red card in minute <n> left them with ten men.|In minute <n>
    the referee showed the yellow card for the fifth time.|Substitutions slowed the game down.]]

    [[We deserved the points, said the coach.|I am proud of the boys, said the captain afterwards.|We gave it away, said the
    visiting manager.]] [[<home> climb to place <rank> in the table.|<away> stay in the bottom half.|The next match is away at
    <town>.]] [[<p> will miss it through suspension.|Tickets go on sale on Tuesday.|The youth team plays on Sunday.]]
    """)


def match_report(draw: Draw) -> Article:
    """A report on a football match, with a table of results."""
    towns = draw.shuffled(TOWNS)
    teams = [f"{town} {draw.pick(CLUBS)}" for town in towns[:6]]
    home_goals = draw.integer(1, 4)
    values = {
        "home": teams[0],
        "away": teams[1],
        "h": home_goals,
        "a": draw.integer(0, home_goals - 1),
        "town": towns[7],
        "crowd": draw.integer(9, 480) * 100 + draw.integer(1, 99),
        "m": draw.integer(4, 44),
        "n": draw.integer(50, 88),
        "rank": draw.integer(2, 15),
        "day": draw.pick(("Saturday", "Sunday", "Wednesday night")),
    }
    scorer, rival = draw.shuffled(PLAYERS)[:2]
    parts = [paragraph(draw.say(text, p=scorer, q=rival, **values)) for text in _MATCH]
    rows = [f"{teams[k]}\t{teams[k + 1]}\t{draw.integer(0, 4)}-{draw.integer(0, 3)}" for k in (2, 4)]
    table = Block("table", ("Home\tAway\tResult", f"{teams[0]}\t{teams[1]}\t{values['h']}-{values['a']}", *rows))
    title = draw.say("<home> <h>-<a> <away>: [[match report|late drama|as it happened|points stay at home]]", **values)
    return Article(title, (*parts, heading("Other results"), table))


_HOUSEHOLD = (
    ("coffee stains on a wool carpet", "Dab with cold water and a drop of washing-up liquid, never rub", "carpet"),
    ("a squeaking kitchen door", "Take out the pin, wipe it clean and rub it with candle wax", "doors"),
    ("tomato plants with yellow leaves", "Water the soil and not the leaves, and feed them every second week", "garden"),
    ("a bicycle chain that keeps slipping", "Look at the sprocket first, worn teeth look like shark fins", "bicycle"),
    ("a sourdough starter that will not rise", "Feed it twice a day with rye flour and keep it somewhere warm", "baking"),
    ("moths in the wardrobe", "Empty it, vacuum the corners and hang up bags of lavender", "clothes"),
    ("a cat that scratches the sofa", "Put a post covered with sisal right beside the sofa", "cats"),
    ("limescale in the kettle", "Boil it with vinegar and water, then rinse three times", "kitchen"),
)
_HOUSEHOLD_TEXTS = paragraphs("""
    [[I have had trouble with <what> for weeks.|Since we moved in there is <what>, and I am running out of ideas.|My
    grandmother would know what to do about <what>.]] [[I tried what the shop suggested, without luck.|The internet says ten
    different things.|Nothing from the supermarket helped.]] [[What works for you?|Is there a simple remedy?|Before I spend
    ¤<price> on a professional, I thought I would ask.]]

    [[We had the same problem.|This is easier than it looks.|I used to do this for a living.]] <tip>. [[Be patient, it takes a few
    days.|Repeat it after a week.|Test it on a hidden spot first.]] [[It cost me nothing.|You need no special tools.|The
    neighbours use the same method.]]

    [[I would rather ask someone from the trade.|Do not use anything with bleach.|If that does not help, replace it.]] [[New ones
    are about ¤<price> in the hardware store.|Life is too short.|Mine lasted another four years.]]
    """)


def household_thread(draw: Draw) -> Thread:
    """A question about the house, in the same markup as the threads on mathematics."""
    what, tip, tag = draw.pick(_HOUSEHOLD)
    users = draw.shuffled(USERS)
    price = draw.integer(6, 90)
    texts = [draw.say(text, what=what, tip=tip, price=price) for text in _HOUSEHOLD_TEXTS]
    posts = tuple(
        Post(user, date(draw), draw.integer(0, 30), (paragraph(text),), (), index == 1)
        for index, (user, text) in enumerate(zip(users, texts, strict=False))
    )
    title = draw.say("[[How do I deal with|Any advice on|What helps against|Desperate:]] <what>[[|?]]", what=what)
    return Thread(title, (tag, "household"), posts)
