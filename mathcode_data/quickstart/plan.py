"""Which pages the three hosts have: their paths, contents, encodings and layouts, before anything is HTML.

`math-seed` holds pages known to be mathematics (what a classifier learns as positive), `random-web` a random sample of
the web with one page of mathematics in twenty (the negatives), and `crawl` the mixture which is to be filtered.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from mathcode_data.quickstart import chinese_pages, everyday, notices
from mathcode_data.quickstart.article import Article, Thread, heading, paragraph, without_block
from mathcode_data.quickstart.benchmark import planted_article
from mathcode_data.quickstart.grammar import Draw
from mathcode_data.quickstart.lessons import lesson, problem
from mathcode_data.quickstart.subjects import TOPICS
from mathcode_data.quickstart.subjects.chinese import CHINESE_TOPICS
from mathcode_data.quickstart.threads import thread

MATH_SEED, RANDOM_WEB, CRAWL = "math-seed", "random-web", "crawl"
HOSTS = (MATH_SEED, RANDOM_WEB, CRAWL)
NUM_NEAR_DUPLICATES = 40
NUM_EXACT_DUPLICATES = 10


@dataclass(frozen=True)
class HostSize:
    """How many pages of each kind a host has."""

    lessons: int
    problems: int
    threads: int
    chinese: int
    ordinary: int
    chinese_ordinary: int


SIZES = {
    MATH_SEED: HostSize(lessons=110, problems=44, threads=24, chinese=14, ordinary=0, chinese_ordinary=0),
    RANDOM_WEB: HostSize(lessons=6, problems=2, threads=2, chinese=0, ordinary=176, chinese_ordinary=14),
    CRAWL: HostSize(lessons=260, problems=100, threads=80, chinese=36, ordinary=160, chinese_ordinary=24),
}

# OpenWebMath found half of all mathematics on the web between dollars, so that form comes more often.
_ARTICLE_FORMS = (
    "dollar", "parenthesis", "mathjax2", "dollar", "katex", "mathml", "latex_php", "bare_align", "dollar", "wikipedia",
    "mathjax3", "codecogs", "pandoc", "parenthesis", "img_tex", "data_tex", "mml_prefix", "subsup",
)  # fmt: skip
_THREAD_FORMS = ("stackexchange", "stackexchange", "dollar", "stackexchange", "img_tex", "stackexchange", "parenthesis", "mathjax2")
_LAYOUTS = {
    "dollar": ("blog", "docs"), "parenthesis": ("docs", "plain"), "mathjax2": ("docs", "blog"), "mathjax3": ("docs",),
    "katex": ("docs", "blog"), "mathml": ("plain", "wiki"), "mml_prefix": ("plain",), "wikipedia": ("wiki",),
    "latex_php": ("blog",), "codecogs": ("old", "blog"), "img_tex": ("old",), "subsup": ("old",), "bare_align": ("docs", "plain"),
    "pandoc": ("plain",), "data_tex": ("docs", "blog"), "stackexchange": ("forum",), "": ("blog", "docs", "old", "plain", "wiki"),
}  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """One page before it is rendered."""

    path: str
    body: Article | Thread
    kind: str
    form: str
    layout: str
    language: str
    encoding: str = "utf-8"
    is_declared_in_header: bool = True
    is_declared_in_meta: bool = True
    loads_mathjax: bool = False
    """An ordinary page of a site whose template loads MathJax everywhere: its prices must stay prices."""
    duplicate_of: str = ""

    @property
    def section(self) -> str:
        """The folder of the page."""
        return self.path.split("/")[1]


def drafts(seed: int, host: str) -> list[Draft]:
    """All content pages of a host, section by section."""
    size = SIZES[host]
    pages = [
        *_articles(seed, host, size),
        *_threads(seed, host, size.threads),
        *_chinese(seed, host, size.chinese),
        *_ordinary(seed, host, size.ordinary),
        *_chinese_ordinary(seed, host, size.chinese_ordinary),
    ]
    if host == CRAWL:
        pages += [_planted(seed), *_near_duplicates(seed, pages), *_exact_duplicates(pages)]
    return pages


def _articles(seed: int, host: str, size: HostSize) -> Iterator[Draft]:
    offset = HOSTS.index(host) * 7
    makers: tuple[tuple[str, int, Callable[..., Article]], ...] = (("lesson", size.lessons, lesson), ("problem", size.problems, problem))
    for kind, count, make in makers:
        for index in range(count):
            draw = Draw(f"{seed}/{host}/{kind}/{index}")
            topic = TOPICS[(index * 5 + offset) % len(TOPICS)]  # 5 and 36 are coprime: neighbours differ in subject
            cycle = index // len(TOPICS)  # without it a topic would always come in the same two forms
            form = _ARTICLE_FORMS[(index + offset + cycle) % len(_ARTICLE_FORMS)]
            number = cycle + 1
            body = make(draw, topic, number if kind == "lesson" else index + 101)
            path = f"/{kind}s/{topic.slug}-{number}.html"
            yield _western(draw, Draft(path, body, kind, form, draw.pick(_LAYOUTS[form]), "en"))


def _threads(seed: int, host: str, count: int) -> Iterator[Draft]:
    for index in range(count):
        draw = Draw(f"{seed}/{host}/thread/{index}")
        topic = TOPICS[(index * 5 + 3) % len(TOPICS)]
        form = _THREAD_FORMS[index % len(_THREAD_FORMS)]
        yield Draft(f"/threads/{3 * index + 1001}-{topic.slug}.html", thread(draw, topic), "thread", form, "forum", "en")


def _western(draw: Draw, draft: Draft) -> Draft:
    """Some English pages are not UTF-8, and some say what they are in one place only."""
    chance = draw.integer(1, 100)
    if chance <= 8:
        return replace(draft, encoding="windows-1252", is_declared_in_header=chance <= 4, is_declared_in_meta=chance > 4)
    return replace(draft, is_declared_in_header=chance <= 80, is_declared_in_meta=chance > 20)


def _eastern(draw: Draw, draft: Draft) -> Draft:
    """Half of the Chinese pages are GB18030."""
    chance = draw.integer(1, 100)
    encoding = "gb18030" if chance <= 50 else "utf-8"
    return replace(draft, encoding=encoding, is_declared_in_header=chance % 2 == 0, is_declared_in_meta=chance % 4 != 0)


def _chinese(seed: int, host: str, count: int) -> Iterator[Draft]:
    for index in range(count):
        draw = Draw(f"{seed}/{host}/chinese/{index}")
        topic = CHINESE_TOPICS[index % len(CHINESE_TOPICS)]
        number = index // len(CHINESE_TOPICS) + 1
        kind = "problem" if index % 3 == 2 else "lesson"
        body = (problem if kind == "problem" else lesson)(draw, topic, number, "zh")
        form = _ARTICLE_FORMS[(index * 7) % len(_ARTICLE_FORMS)]
        path = f"/zh/{topic.slug}-{number}.html"
        yield _eastern(draw, Draft(path, body, kind, form, draw.pick(_LAYOUTS[form]), "zh"))


def _ordinary(seed: int, host: str, count: int) -> Iterator[Draft]:
    makers: tuple[tuple[str, Callable[[Draw], Article], int], ...] = (
        ("recipe", everyday.recipe, 2),
        ("news", notices.news, 4),
        ("travel", everyday.travel, 2),
        ("product", notices.product, 3),
        ("match", everyday.match_report, 2),
        ("release", notices.release_notes, 2),
        ("hours", notices.opening_hours, 2),
        ("privacy", notices.privacy, 1),
    )
    for index in range(count):
        draw = Draw(f"{seed}/{host}/ordinary/{index}")
        if index % 9 == 8:
            body = everyday.household_thread(draw)
            yield Draft(f"/threads/{3 * index + 1002}-{body.tags[0]}.html", body, "ordinary", "", "forum", "en")
            continue
        name, make, parts = makers[index % 9]
        draft = Draft(
            f"/pages/{name}-{index // 9 + 1}.html",
            _together([make(draw) for _ in range(parts)]),
            "ordinary",
            "",
            draw.pick(_LAYOUTS[""]),
            "en",
            loads_mathjax=draw.chance(0.12),
        )
        yield _western(draw, draft)


def _together(articles: list[Article]) -> Article:
    """One page of several short pieces: the first gives the title."""
    blocks = articles[0].blocks
    for article in articles[1:]:
        blocks += (heading(article.title), *article.blocks)
    return Article(articles[0].title, blocks)


def _chinese_ordinary(seed: int, host: str, count: int) -> Iterator[Draft]:
    makers = (("caipu", chinese_pages.recipe), ("youji", chinese_pages.travel), ("tongzhi", chinese_pages.notice))
    for index in range(count):
        draw = Draw(f"{seed}/{host}/chinese-ordinary/{index}")
        name, make = makers[index % 3]
        body = _together([make(draw) for _ in range(3)])
        path = f"/zh/{name}-{index // 3 + 1}.html"
        yield _eastern(draw, Draft(path, body, "ordinary", "", draw.pick(_LAYOUTS[""]), "zh"))


def _planted(seed: int) -> Draft:
    return Draft("/pages/puzzle-club.html", planted_article(seed), "planted", "dollar", "blog", "en")


def _near_duplicates(seed: int, pages: list[Draft]) -> Iterator[Draft]:
    """Copies of lessons with a block left out, a sentence added, another title and another frame."""
    draw = Draw(f"{seed}/near-duplicates")
    lessons = [page for page in pages if page.kind == "lesson" and page.language == "en"]
    for index, page in enumerate(draw.some(lessons, NUM_NEAR_DUPLICATES)):
        assert isinstance(page.body, Article), f"{page.path}: a lesson is an article"
        blocks = page.body.blocks
        places = [place for place, block in enumerate(blocks) if block.kind == "p" and place > 2]
        body = without_block(page.body, draw.pick(places))
        extra = draw.say(
            "[[This page was copied from our old site.|Last checked in <month>.|Posted by the editors in <month>.]]",
            month=draw.pick(("March", "June", "October")),
        )
        title = draw.say("<title>[[ (copy)| - archive|]]", title=page.body.title)
        body = Article(title, (*body.blocks, paragraph(extra)))
        layout = draw.pick([layout for layout in ("blog", "docs", "plain") if layout != page.layout])
        folder = ("mirror", "print")[index % 2]
        yield replace(page, path=f"/{folder}{page.path}", body=body, kind="near_duplicate", layout=layout, duplicate_of=page.path)


def _exact_duplicates(pages: list[Draft]) -> Iterator[Draft]:
    """The same bytes under another address; `site` copies them from the original."""
    problems = [page for page in pages if page.kind == "problem"]
    for page in problems[:: len(problems) // NUM_EXACT_DUPLICATES][:NUM_EXACT_DUPLICATES]:
        yield replace(page, path=f"/archive{page.path}", kind="exact_duplicate", duplicate_of=page.path)
