"""Threads of a question-and-answer site about mathematics."""

from mathcode_data.quickstart.article import Block, Post, Thread, paragraph
from mathcode_data.quickstart.grammar import Draw, paragraphs
from mathcode_data.quickstart.topic import Exercise, Topic

USERS = ("abacus7", "blue_heron", "carla_m", "deltoid", "erdosfan", "fern", "gauss_jr", "hexagon", "ivo", "juniper", "kestrel",
         "lemma_lou", "minim", "noetherian", "oak", "pascaline", "quill", "ravenna", "sextant", "tova", "ulam", "vega", "willow",
         "xenia", "yarrow", "zeno_of_e")  # fmt: skip
_TITLES = (
    "[[How do I solve this problem about|Stuck on an exercise:|Question on|Help with|Is my approach right?]] <what>",
    "<what>: [[where is my mistake?|how does the solution go?|I do not understand the last step|which method is best?]]",
)
_OPENINGS = paragraphs("""
    [[I am preparing for an exam and cannot do the following exercise.|This is from last week's problem sheet.|My daughter
    brought this home and I have forgotten how it goes.|I am teaching myself and got stuck here.|Our teacher set this as a
    bonus question.|I found this in an old textbook.]]

    [[I would like to understand the method and not only see the result.|A full explanation would help me a lot.|Please do not
    just give the number.]] [[Here is the task.|The exercise says:|It reads as follows.]]

    [[I have read the chapter twice.|I watched two videos about it.|I looked at similar questions here.]] [[Still I do not see
    how to begin.|They all use other numbers and skip steps.|I get lost half way.]]
    """)
_TRIALS = paragraphs("""
    [[So far I have this:|My first line is:|I started like this:]] <step> [[How do I go on?|Is this the right way to begin?|Then
    I am lost.|I do not know what comes next.]]

    The book gives the answer <answer>. [[I do not see how to get there.|I keep getting something else.|Can that be right?]]

    [[I think the first step is this.|A friend told me to begin like this.]] <step> [[But why are we allowed to do
    that?|What is the reason for it?]]
    """)
_ANSWERS = paragraphs("""
    [[You are almost there.|This is a standard exercise, so let us do it slowly.|Let me write out all the steps.|Here is how I
    would do it.|The trick is to go one step at a time.]]

    [[The other answer is fine, here is some background.|Let me add why this works.|It helps to know the general rule.|A word
    on the theory behind it.]]

    [[Try it with other numbers, too.|Here is a second example, for practice.|To see the pattern, look at a similar case.]]
    """)
_CLOSINGS = (
    "So the answer is <answer>.",
    "[[In the end you get|This gives]] <answer>, [[as the book says|and that is all]].",
    "The result is therefore <answer>. [[Ask if a step is unclear.|Let me know if anything is missing.]]",
)
_COMMENTS = (
    "[[Thank you, now it is clear.|Great, thanks!|That helped a lot.|I see my mistake now.]]",
    "[[Could you say more about the second step?|Why is the first step allowed?|Which book is it from?]]",
    "[[Nice and short.|I would accept this one.|A good way to check is to put the result back.|+1 for the check.]]",
    "[[Please show what you tried.|Welcome to the site!|Similar questions were asked before, but none with these numbers.]]",
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def thread(draw: Draw, topic: Topic) -> Thread:
    """A question about one exercise, with two or three answers."""
    task = draw.pick(topic.exercises)(draw)
    title = draw.say(draw.pick(_TITLES), what=topic.slug.replace("-", " "))
    title = title[0].upper() + title[1:]
    users = draw.shuffled(USERS)
    posts = [
        Post(users[0], date(draw), draw.integer(0, 24), tuple(_question(draw, task)), _comments(draw, users[5:], 2)),
        Post(users[1], date(draw), draw.integer(3, 60), tuple(_full_answer(draw, task)), _comments(draw, users[8:], 2), True),
        Post(users[2], date(draw), draw.integer(0, 20), _background(draw, topic), _comments(draw, users[11:], 1)),
    ]
    if draw.chance(0.6):
        other = draw.pick(topic.exercises)(draw)
        blocks = (
            paragraph(draw.say(_ANSWERS[2])),
            paragraph(other.question),
            Block("ol", other.steps),
            paragraph(draw.say(_CLOSINGS[0], answer=other.answer)),
        )
        posts.append(Post(users[3], date(draw), draw.integer(-2, 9), blocks, ()))
    return Thread(title, (topic.slug, draw.pick(("algebra-precalculus", "homework", "self-study", "examples"))), tuple(posts))


def _question(draw: Draw, task: Exercise) -> list[Block]:
    trial = draw.say(draw.pick(_TRIALS), step=task.steps[0], answer=task.answer)
    return [paragraph(draw.say(draw.pick(_OPENINGS))), paragraph(task.question), paragraph(trial)]


def _full_answer(draw: Draw, task: Exercise) -> list[Block]:
    opening = draw.say(_ANSWERS[0])
    closing = paragraph(draw.say(draw.pick(_CLOSINGS), answer=task.answer))
    if draw.chance(0.5):
        return [paragraph(opening), *(paragraph(step) for step in task.steps), closing]
    return [paragraph(opening), Block("ol", task.steps), closing]


def _background(draw: Draw, topic: Topic) -> tuple[Block, ...]:
    ideas = draw.some(topic.ideas, draw.integer(1, 2))
    return tuple(paragraph(draw.say(text)) for text in (_ANSWERS[1], *ideas, draw.pick(topic.remarks)))


def _comments(draw: Draw, users: list[str], most: int) -> tuple[tuple[str, str], ...]:
    count = draw.integer(0, most)
    return tuple((user, draw.say(text)) for user, text in zip(users, draw.some(_COMMENTS, count), strict=False))


def date(draw: Draw) -> str:
    """A date and time as such sites show them."""
    return f"{draw.pick(_MONTHS)} {draw.integer(1, 28)}, {draw.integer(2012, 2023)} at {draw.integer(0, 23)}:{draw.integer(10, 59)}"
