"""Lessons and problem pages: explanations and computed examples of one topic, put together in changing ways."""

from mathcode_data.quickstart.article import Article, Block, heading, paragraph
from mathcode_data.quickstart.grammar import Draw
from mathcode_data.quickstart.topic import Exercise, Topic

WORDS = {
    "en": {
        "ideas": "[[The idea|What it is about|Basics|How it works|Explanation]]",
        "example": "[[Example|Worked example]] <n>. ",
        "examples": "[[Worked examples|Examples, step by step|Let us practise]]",
        "solution": "[[Solution.|Here is the solution.|Step by step:|We proceed in steps.|Working:]]",
        "answer": "[[Answer|Result|The answer is]]: <answer>.",
        "space": " ",
        "remarks": "[[Common mistakes|Things to watch|Remarks|Good habits|Checks]]",
        "practice": "[[Exercises|Now it is your turn|Practice problems|Try these yourself]]",
        "answers": "[[Answers|Solutions to the exercises|Results]]",
        "hint": "[[Hint|A first step]]: <step>",
        "background": "[[Background|What you need|The rule behind it]]",
        "variation": "[[A similar problem|The same with other numbers|Variation]]",
        "problem": "Problem <n>: <title>",
        "lesson": "<title>[[|: a lesson with examples| (part <n>)|, lesson <n>| - notes and exercises|, explained]]",
    },
    "zh": {
        "ideas": "[[基本思想|概念|原理|知识要点]]",
        "example": "例题 <n>　",
        "examples": "[[例题讲解|典型例题|分步解答]]",
        "solution": "[[解：|解答如下。|分步计算：]]",
        "answer": "[[答案|结果|答]]：<answer>。",
        "space": "",
        "remarks": "[[注意事项|常见错误|小结]]",
        "practice": "[[练习题|课堂练习|试一试]]",
        "answers": "[[参考答案|练习答案]]",
        "hint": "[[提示|第一步]]：<step>",
        "background": "[[相关知识|预备知识]]",
        "variation": "[[类似的题目|变式]]",
        "problem": "习题 <n>：<title>",
        "lesson": "<title>[[|（第<n>讲）|：例题与练习|，讲解]]",
    },
}
"""The headings of a lesson, by language."""


def lesson(draw: Draw, topic: Topic, number: int, language: str = "en") -> Article:
    """A lesson: some of the ideas, examples with all steps, remarks, exercises with answers."""
    words = WORDS[language]
    title = draw.say(words["lesson"], title=draw.pick(topic.titles), n=number)
    ideas = [paragraph(draw.say(idea)) for idea in draw.some(topic.ideas, draw.integer(2, 3))]
    examples = _examples(draw, topic, draw.integer(3, 5), words)
    remarks = [paragraph(draw.say(remark)) for remark in draw.some(topic.remarks, draw.integer(1, 2))]
    practice = [draw.pick(topic.exercises)(draw) for _ in range(draw.integer(3, 5))]
    blocks = [heading(draw.say(words["ideas"])), *ideas, heading(draw.say(words["examples"])), *examples]
    blocks += [heading(draw.say(words["remarks"])), *remarks]
    blocks += [heading(draw.say(words["practice"])), Block("ol", tuple(item.question for item in practice))]
    blocks += [heading(draw.say(words["answers"])), Block("ol", tuple(item.answer for item in practice))]
    return Article(title, tuple(blocks))


def problem(draw: Draw, topic: Topic, number: int, language: str = "en") -> Article:
    """A problem page: one problem with hint and solution, the rule behind it, and a variation."""
    words = WORDS[language]
    task, again = (function(draw) for function in [draw.pick(topic.exercises)] * 2)
    title = draw.say(words["problem"], n=number, title=draw.pick(topic.titles))
    blocks = [paragraph(task.question), paragraph(draw.say(words["hint"], step=task.steps[0]))]
    blocks += _solution(draw, task, words)
    blocks += [heading(draw.say(words["background"])), paragraph(draw.say(draw.pick(topic.ideas)))]
    blocks += [heading(draw.say(words["variation"])), paragraph(again.question), *_solution(draw, again, words)]
    if draw.chance(0.5):
        blocks.append(paragraph(draw.say(draw.pick(topic.remarks))))
    return Article(title, tuple(blocks))


def _examples(draw: Draw, topic: Topic, count: int, words: dict[str, str]) -> list[Block]:
    blocks = []
    for number in range(1, count + 1):
        task = draw.pick(topic.exercises)(draw)
        blocks.append(paragraph(draw.say(words["example"], n=number) + task.question))
        blocks += _solution(draw, task, words)
    return blocks


def _solution(draw: Draw, task: Exercise, words: dict[str, str]) -> list[Block]:
    """The steps as a list or as running text, and the answer."""
    answer = paragraph(draw.say(words["answer"], answer=task.answer))
    opening = draw.say(words["solution"])
    if draw.chance(0.4):
        return [paragraph(words["space"].join([opening, *task.steps])), answer]
    return [paragraph(opening), Block("ol", task.steps), answer]
