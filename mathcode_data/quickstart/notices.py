"""Ordinary pages, part two: release notes, products, opening hours, local news and privacy policies. No mathematics."""

from mathcode_data.quickstart.article import Article, Block, heading, paragraph
from mathcode_data.quickstart.everyday import PLAYERS, TOWNS
from mathcode_data.quickstart.grammar import Draw, paragraphs

_TOOLS = ("larkspur", "tinbox", "mailbird", "quarry", "paperclip", "hedgehog", "sandpiper", "lantern", "drawbridge", "inkwell")
_CHANGES = (
    "[[Fixed|Repaired]] a crash when [[the configuration file is empty|a folder name contains a space|two windows are closed at "
    "once]] (issue <issue>)",
    "The [[settings dialog|search field|status bar|import wizard]] [[remembers its size|can be reached with the keyboard|shows "
    "an error instead of closing]]",
    "[[Start-up|Saving|Search]] is faster on [[slow disks|large projects|network drives]]",
    "[[Dropped|Removed]] support for [[the old plug-in format|operating systems without updates|version <old> of the protocol]]",
    "[[Added|New]]: [[export to plain text|dark theme|translations into Finnish and Basque|a command to list all profiles]]",
    "[[Updated|Replaced]] the bundled [[compression library|certificates|icon set]]",
    "The variable ¤[[HOME|PATH|TMPDIR|EDITOR]] is [[respected on all platforms|expanded in paths|no longer overwritten]]",
    "[[Undo|Copy and paste|Drag and drop]] works [[in tables|between windows|with right-to-left text]] (issue <issue>)",
    "[[Documented|Clarified]] how to [[move a profile to another machine|run without a display|disable the updater]]",
)


def release_notes(draw: Draw) -> Article:
    """Release notes of a program."""
    tool = draw.pick(_TOOLS)
    major, minor = draw.integer(1, 9), draw.integer(0, 30)
    version = f"{major}.{minor}.{draw.integer(0, 12)}"
    changes = tuple(
        draw.say(text, issue=draw.integer(100, 9900), old=max(major - 1, 0)) + "." for text in draw.shuffled(_CHANGES)[: draw.integer(5, 8)]
    )
    intro = draw.say(
        "[[This is a maintenance release.|This release has been tested by forty volunteers.|Thank you to all who "
        "reported problems.]] [[Users of older versions are advised to update.|Settings are converted on the first "
        "start; there is no way back.|No action is needed after the update.]]"
    )
    commands = (
        f"curl -LO https://downloads.{tool}.example/{version}/{tool}.tar.gz",
        f"tar xf {tool}.tar.gz",
        f"export PATH=¤HOME/{tool}/bin:¤PATH".replace("¤", "$"),
        f"{tool} --version",
    )
    thanks = draw.say(
        "[[Downloads are signed.|Packages for the usual distributions follow within days.|The source is in the "
        "repository under the tag of the same name.]] [[The next release is planned for <month>.|Please report "
        "problems in the tracker and attach the log file.]]",
        month=draw.pick(("March", "June", "October")),
    )
    return Article(
        f"{tool} {version} {draw.pick(('released', 'release notes', 'is out', 'changelog'))}",
        (paragraph(intro), heading("Changes"), Block("ul", changes), heading("Installation"), Block("pre", commands), paragraph(thanks)),
    )


_GOODS = ("ceramic teapot", "camping lantern", "wool blanket", "bread knife", "garden hose", "desk organiser", "rain jacket",
          "picnic basket", "wall clock", "backpack", "cast iron pan", "reading lamp")  # fmt: skip
_COLOURS = ("slate", "ivory", "moss", "terracotta", "navy", "mustard", "plum", "sand")
_PRODUCT = paragraphs("""
    [[The <maker> <thing> is made to last.|Meet the new <thing> by <maker>.|Our customers' favourite <thing> is back in
    stock.]] [[It comes in <colour> and <tint>.|Choose between <colour> and <tint>.]] [[Every piece is checked by hand.|The
    packaging is free of plastic.|It weighs only <grams> g.]]

    Now only ¤<price> instead of ¤<old>. [[Buy two and get ¤<off> off.|Orders over ¤<limit> ship free, otherwise shipping is ¤5 or
    ¤7 for express.|Gift wrapping costs ¤3 and a card ¤2 more.]] [[Returns are free for <days> days.|The guarantee covers
    <years> years.]]

    [[Exactly as pictured, writes a customer from <town>.|Bought it as a present and kept it, says a review from <town>.|Great
    value for ¤<price>, says a buyer in <town>.]] [[Rated <stars> out of 5 by <count> customers.|<count> people bought it last
    month.]] [[The handle could be longer.|The colour is a little darker than on the screen.|Delivery took two days.]]
    """)


def product(draw: Draw) -> Article:
    """A product page with prices."""
    price, thing = draw.integer(9, 140), draw.pick(_GOODS)
    colour, tint = draw.some(_COLOURS, 2)
    maker = draw.pick(PLAYERS) + draw.pick((" & Sons", " Home", " Works", " Studio"))
    values = {
        "maker": maker,
        "thing": thing,
        "colour": colour,
        "tint": tint,
        "grams": 10 * draw.integer(12, 190),
        "price": price,
        "old": price + draw.integer(5, 40),
        "off": draw.integer(3, 9),
        "limit": 10 * draw.integer(4, 9),
        "days": draw.pick((14, 30, 60, 100)),
        "years": draw.integer(2, 10),
        "town": draw.pick(TOWNS),
        "stars": f"{draw.integer(31, 49) / 10:.1f}",
        "count": draw.integer(12, 980),
    }
    rows = (
        "Variant\tPrice\tIn stock",
        f"{colour}\t¤{price}\t{draw.integer(1, 60)}",
        f"{tint}\t¤{price + 4}\t{draw.integer(1, 60)}",
        f"gift set\t¤{2 * price - 3}\tsold out",
    )
    return Article(
        f"{thing.capitalize()} in {colour} by {maker}",
        (*(paragraph(draw.say(text, **values)) for text in _PRODUCT), heading("Variants"), Block("table", rows)),
    )


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PLACES = ("public library", "swimming pool", "town museum", "recycling centre", "dental practice", "flower shop", "post office",
           "community kitchen", "bicycle workshop")  # fmt: skip
_HOURS = paragraphs("""
    [[You find us behind the town hall of <town>, next to the bus stop.|Our address is <n> Mill Lane, <town>.|We are on the ground
    floor at <n> Station Road in <town>.]] [[Parking is free for the first hour.|Please use the side entrance in winter.|The
    entrance has a ramp.]]

    [[On public holidays we are closed.|Between the years we open on request only.|In August the hours are shorter.]] [[The last
    admission is half an hour before closing.|Please be there ten minutes early.|Groups should call ahead.]] [[Admission ¤<fee>,
    reduced ¤<less>.|There is no fee.|A yearly pass costs ¤<pass>.]]

    [[Call us at extension <ext> or write to the desk.|For lost property ask at the counter.|Dogs are welcome on a lead.]] [[We
    are looking for volunteers for two evenings a month.|The café on the first floor is run by the pupils of the art
    school.|Photographs are allowed without flash.]]
    """)


def opening_hours(draw: Draw) -> Article:
    """Opening hours of a public place."""
    place, town, fee = draw.pick(_PLACES), draw.pick(TOWNS), draw.integer(3, 12)
    closed = draw.integer(0, 6)
    rows = ["Day\tHours"]
    for index, day in enumerate(_DAYS):
        start = draw.integer(7, 11)
        rows.append(f"{day}\t" + ("closed" if index == closed else f"{start}:{draw.pick(('00', '30'))} - {start + draw.integer(5, 9)}:00"))
    values = {"town": town, "n": draw.integer(1, 180), "fee": fee, "less": fee - 2, "pass": 5 * fee, "ext": draw.integer(100, 999)}
    texts = [paragraph(draw.say(text, **values)) for text in _HOURS]
    return Article(f"{place.capitalize()} {town}: opening hours", (texts[0], Block("table", tuple(rows)), *texts[1:]))


_NEWS = paragraphs("""
    [[The council of <town> has voted for a new <plan>.|After two years of debate <town> will get its <plan>.|Residents of <town>
    have handed over a petition about the <plan>.|Work on the <plan> in <town> begins this <season>.]] [[The decision came late on
    <day>.|<yes> councillors were in favour, <no> against.|The mayor, <person>, spoke of a good day.]]

    [[The cost is put at <cost> million, half of it from a state fund.|Money has been set aside in the budget, said
    <person>.|Critics say that the price has doubled since the first draft.]] [[A shop owner fears noise and dust.|Many
    parents welcome the plan.|The fire brigade asked for a wider gate.]] [[Trees will be planted along the street.|The old
    chestnut stays where it is.|Bats were found in the roof and have to be moved first.]]

    [[In other news, the summer fair moves to the meadow by the river.|Meanwhile the bridge to <other> is closed until
    further notice.|The town band is looking for a second trombone.]] [[Rain is expected for the weekend.|A lost parrot was
    returned to its owner on <day>.|The baker on the square retires after forty years.]]

    [[A second reading is due in <weeks> weeks.|The plans can be seen in the town hall until the end of the month.|Comments may be
    sent by post.]] [[Our reporter will follow the story.|Readers' letters are on page four.]]
    """)
_PLANS = ("tram stop", "skate park", "primary school", "cycle path", "market hall", "swimming lake", "fire station", "youth centre",
          "flood wall", "concert hall")  # fmt: skip


def news(draw: Draw) -> Article:
    """A local news report."""
    town, other = draw.shuffled(TOWNS)[:2]
    plan = draw.pick(_PLANS)
    values = {
        "town": town,
        "other": other,
        "plan": plan,
        "season": draw.pick(("spring", "summer", "autumn")),
        "day": draw.pick(_DAYS),
        "yes": draw.integer(12, 24),
        "no": draw.integer(2, 11),
        "person": draw.pick(PLAYERS),
        "cost": draw.integer(2, 48),
        "weeks": draw.integer(2, 9),
    }
    title = draw.say("[[<town> to build <plan>|Go-ahead for <plan> in <town>|<plan> divides <town>|New <plan> for <town>]]", **values)
    return Article(title[0].upper() + title[1:], tuple(paragraph(draw.say(text, **values)) for text in _NEWS))


_PRIVACY = paragraphs("""
    [[This notice tells you which data we process and why.|We take the protection of your data seriously.|Your privacy matters to
    <firm>.]] [[The controller is <firm>, <n> Harbour Street, <town>.|Responsible for this site is <firm> in <town>.]]

    [[When you open a page, our server writes a log entry.|Server logs are kept for <days> days.]] [[It holds the time, the page
    and a shortened address.|They serve only to find faults and to fend off attacks.]] [[Logs are not merged with other
    data.|Nobody outside the firm has access to them.]]

    [[We use cookies to keep you signed in.|Cookies are small text files in your browser.]] [[You can refuse all that are not
    necessary.|Marketing cookies are set only after you agree.]] [[Your choice is stored for <days> days.|You may change your mind
    at any time in the footer.]]

    [[The newsletter is sent only after you confirmed your address.|If you order our newsletter, we store your address until you
    cancel.]] [[Each issue has a link to unsubscribe.|A message to the desk is enough to cancel it.]]

    [[You have the right to access, correct and delete your data.|On request we tell you what we have stored about you.]] [[You may
    complain to the authority of your state.|Please write to our officer, <person>.]] [[This version is of <month>
    <year>.|Last change: <month> <year>.]]
    """)


def privacy(draw: Draw) -> Article:
    """A privacy policy."""
    firm = f"{draw.pick(PLAYERS)} {draw.pick(('Media', 'Logistics', 'Tea Traders', 'Garden Centre', 'Software'))} Ltd"
    values = {
        "firm": firm,
        "n": draw.integer(1, 99),
        "town": draw.pick(TOWNS),
        "days": draw.pick((7, 14, 30, 90)),
        "person": draw.pick(PLAYERS),
        "month": draw.pick(("January", "May", "July", "November")),
        "year": draw.integer(2018, 2023),
    }
    heads = ("Who we are", "Log files", "Cookies", "Newsletter", "Your rights")
    blocks = [block for head, text in zip(heads, _PRIVACY, strict=True) for block in (heading(head), paragraph(draw.say(text, **values)))]
    return Article(f"Privacy policy of {firm}", tuple(blocks))
