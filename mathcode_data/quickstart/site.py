"""The invented web site of the quickstart: a thousand pages on three hosts, with the truth about each of them.

The same seed gives the same bytes. Besides lessons, problems, threads and ordinary pages every host has what a crawler
meets: index pages, a robots.txt with a forbidden folder, a page which is gone, one which has moved, one with NUL
bytes and an empty one.
"""

from collections import defaultdict
from dataclasses import dataclass

from mathcode_data.quickstart.chrome import LAYOUTS, Frame, Link
from mathcode_data.quickstart.grammar import Draw
from mathcode_data.quickstart.plan import HOSTS, Draft, drafts
from mathcode_data.quickstart.writer import Writer

LINKS_PER_INDEX = 60
LINKS_PER_PAGE = 4
SITE_NAMES = {"math-seed": "Seedbed of Mathematics", "random-web": "Mixed Pages", "crawl": "Commons Hill"}
MATH_KINDS = frozenset({"lesson", "problem", "thread", "planted"})
_SECTIONS = {"lessons": "Lessons", "problems": "Problems", "threads": "Questions", "pages": "Magazine", "zh": "中文",
             "mirror": "Mirror", "print": "Print versions", "archive": "Archive"}  # fmt: skip
_MENU_SECTIONS = ("lessons", "problems", "threads", "pages", "zh")
ROBOTS = b"User-agent: *\nDisallow: /private/\nDisallow: /users/\nDisallow: /tagged/\nAllow: /\n"


@dataclass(frozen=True)
class SitePage:
    """One address of the site: the answer of the server and the truth about the page."""

    host: str
    """Short name, one of `plan.HOSTS`; the page's URL is `http://HOST.example` + path."""
    path: str
    content: bytes
    content_type: str
    kind: str
    """lesson, problem, thread, ordinary, near_duplicate, exact_duplicate, planted; or index, robots, private, missing,
    redirect, broken, empty."""
    is_math: bool = False
    formulas: tuple[tuple[str, bool], ...] = ()
    """(LaTeX, is it displayed) in the order of the page. In the form `subsup` simple formulas are HTML text and only the others
    are images, so there an extractor may rightly find fewer."""
    form: str = ""
    """How the page carries its formulas, one of `forms.FORMS`; "" for pages without."""
    language: str = "en"
    encoding: str = "utf-8"
    text: str = ""
    """What an ideal extractor finds, one paragraph per block."""
    status: int = 200
    location: str = ""
    """Where a redirect leads."""
    duplicate_of: str = ""
    """Path of the original, for duplicates."""

    @property
    def url(self) -> str:
        """The address under which the page is archived."""
        return f"http://{self.host}.example{self.path}"


@dataclass(frozen=True)
class Site:
    """All pages of all hosts."""

    seed: int
    hosts: dict[str, tuple[SitePage, ...]]

    @property
    def pages(self) -> tuple[SitePage, ...]:
        """The pages of all hosts, in the order of `plan.HOSTS`."""
        return tuple(page for host in self.hosts.values() for page in host)


def build_site(seed: int) -> Site:
    """Make the whole site in about two seconds; the same seed gives the same bytes on every machine."""
    return Site(seed, {host: build_host(seed, host) for host in HOSTS})


def build_host(seed: int, host: str) -> tuple[SitePage, ...]:
    """Make the pages of one of the hosts `plan.HOSTS`: index pages, then the odd ones, then content."""
    plan = drafts(seed, host)
    sections: dict[str, list[Link]] = defaultdict(list)
    places: list[int] = []
    for draft in plan:
        places.append(len(sections[draft.section]))
        sections[draft.section].append((draft.path, draft.body.title))
    menu = (("/", "Home"), *((f"/{name}/", _SECTIONS[name]) for name in _MENU_SECTIONS if name in sections))
    content: dict[str, SitePage] = {}
    for draft, place in zip(plan, places, strict=True):
        if draft.kind == "exact_duplicate":
            content[draft.path] = _copy(content[draft.duplicate_of], draft)
        else:
            links = _neighbours(sections[draft.section], place)
            content[draft.path] = _render(draft, host, menu, links, Draw(f"{seed}/{host}{draft.path}"))
    indexes = _indexes(seed, host, menu, sections)
    return (*indexes, *_special_pages(host), *content.values())


def _neighbours(links: list[Link], place: int) -> tuple[Link, ...]:
    return tuple(links[(place + step) % len(links)] for step in range(1, LINKS_PER_PAGE + 1))


def _copy(original: SitePage, draft: Draft) -> SitePage:
    return SitePage(
        original.host,
        draft.path,
        original.content,
        original.content_type,
        draft.kind,
        original.is_math,
        original.formulas,
        original.form,
        original.language,
        original.encoding,
        original.text,
        duplicate_of=draft.duplicate_of,
    )


def _render(draft: Draft, host: str, menu: tuple[Link, ...], links: tuple[Link, ...], draw: Draw) -> SitePage:
    writer = Writer(draft.form or "parenthesis", is_typographic=draft.encoding == "windows-1252")
    content = draft.body.html(writer)
    frame = Frame(
        title=draft.body.title,
        content=content,
        form="parenthesis" if draft.loads_mathjax else draft.form,
        language=draft.language,
        meta_charset=draft.encoding if draft.is_declared_in_meta else "",
        site=SITE_NAMES[host],
        menu=menu,
        links=links,
    )
    page = LAYOUTS[draft.layout](frame, draw)
    is_math = draft.kind in MATH_KINDS or draft.kind == "near_duplicate"
    return SitePage(
        host=host,
        path=draft.path,
        content=page.encode(draft.encoding, "xmlcharrefreplace"),
        content_type=f"text/html; charset={draft.encoding}" if draft.is_declared_in_header else "text/html",
        kind=draft.kind,
        is_math=is_math,
        formulas=tuple(writer.formulas),
        form=draft.form if is_math else "",
        language=draft.language,
        encoding=draft.encoding,
        text=writer.text(),
        duplicate_of=draft.duplicate_of,
    )


def _indexes(seed: int, host: str, menu: tuple[Link, ...], sections: dict[str, list[Link]]) -> list[SitePage]:
    """The home page and the lists of each section, in pages of `LINKS_PER_INDEX` links."""
    starts = [(f"/{name}/", _SECTIONS[name]) for name in sections]
    odd = [
        ("/lessons.html", "Lessons (old address)"),
        ("/pages/gone.html", "Summer camp"),
        ("/pages/broken.html", "Scanned letters"),
        ("/pages/empty.html", "Coming soon"),
        ("/private/members.html", "Members"),
    ]
    pages = [_index(seed, host, "/", SITE_NAMES[host], menu, [*starts, *odd])]
    for name, links in sections.items():
        chunks = [links[first : first + LINKS_PER_INDEX] for first in range(0, len(links), LINKS_PER_INDEX)]
        for number, chunk in enumerate(chunks, 1):
            path = f"/{name}/" if number == 1 else f"/{name}/page-{number}.html"
            further = [(f"/{name}/page-{number + 1}.html", "Next page")] if number < len(chunks) else []
            pages.append(_index(seed, host, path, f"{_SECTIONS[name]}, page {number}", menu, [*chunk, *further]))
    return pages


def _index(seed: int, host: str, path: str, title: str, menu: tuple[Link, ...], links: list[Link]) -> SitePage:
    items = "\n".join(f'<li><a href="{href}">{text}</a></li>' for href, text in links)
    content = f"<h1>{title}</h1>\n<ul>\n{items}\n</ul>"
    frame = Frame(title, content, "", "en", "utf-8", SITE_NAMES[host], menu, tuple(links[:LINKS_PER_PAGE]))
    page = LAYOUTS["docs"](frame, Draw(f"{seed}/{host}{path}"))
    return SitePage(host, path, page.encode(), "text/html; charset=utf-8", "index", text="\n\n".join([title, *(t for _, t in links)]))


def _special_pages(host: str) -> list[SitePage]:
    """What is no content, but what a crawler has to survive."""
    return [
        SitePage(host, "/robots.txt", ROBOTS, "text/plain", "robots"),
        SitePage(host, "/private/members.html", b"<!DOCTYPE html><title>Members</title><p>List of members.</p>", "text/html", "private"),
        SitePage(
            host,
            "/pages/gone.html",
            b"<!DOCTYPE html><title>Not found</title><h1>404</h1><p>This page is gone.</p>",
            "text/html; charset=utf-8",
            "missing",
            status=404,
        ),
        SitePage(
            host,
            "/lessons.html",
            b"<!DOCTYPE html><title>Moved</title><p>Moved to the home page.</p>",
            "text/html",
            "redirect",
            status=301,
            location="/",
        ),
        SitePage(
            host,
            "/pages/broken.html",
            b"<!DOCTYPE html><html><head><title>Letters\x00</title></head><body><p>Dear \x00\x00"
            b"\x00friend,\x00</p><p>we scanned \xff\xfe this in a hurry.</p><table><tr><td></body",
            "text/html",
            "broken",
        ),
        SitePage(host, "/pages/empty.html", b"", "text/html; charset=utf-8", "empty"),
    ]
