"""What is in a page: its signals, its links, its text, and how mathematical that is.

Markup is checked against the extractor's limits before it is parsed; text comes from the extractor's warm child behind a
deadline. The score is the classifier's, or without a model the share of formulas: 5 in a page count as 1.
"""

from __future__ import annotations

import atexit
import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from mathcode_data.core.config import RESOLVED, ResultRef
from mathcode_data.core.counters import Ledger
from mathcode_data.stages.crawl.fetch import Answer
from mathcode_data.stages.crawl.hosts import MILLION
from mathcode_data.stages.crawl.inflate import InflateError, Inflater
from mathcode_data.stages.crawl.limits import Limits
from mathcode_data.stages.crawl.traps import simhash
from mathcode_data.stages.extract.decode import decode
from mathcode_data.stages.extract.guard import GuardedExtractor
from mathcode_data.stages.extract.limits import check_limits
from mathcode_data.stages.extract.records import Page, PageInput

FULL_FORMULAS = 5
MAX_META = 200


@dataclass
class Markup:
    """Read off the markup of a page."""

    metas: list[tuple[str, str]] = field(default_factory=list)
    """Names in lower case, and contents."""
    links: list[str] = field(default_factory=list)
    """As they stand, in page order."""
    left: Counter[str] = field(default_factory=Counter)
    """Links that the page itself says not to follow, by the word in `rel`."""
    base: str = ""
    """Content of `<base href>`."""
    problem: str = ""
    """Why it was not read."""


@dataclass
class Reading:
    """A page that was read."""

    markup: Markup
    score: int = 0
    """In millionths."""
    simhash: int = 0
    problem: str = ""
    """Why there is no text."""


def inflate(answer: Answer, limits: Limits) -> bytes:
    """The decoded body, cut at `max_decoded`."""
    body = answer.read()
    try:
        inflater = Inflater(answer.header("content-encoding"), limits.max_decoded, limits.max_ratio)
    except InflateError:
        return body
    pieces: list[bytes] = []
    try:
        pieces.extend(inflater.feed(body))
    except InflateError:
        return b"".join(pieces)
    return b"".join(pieces)


def read_markup(content: bytes, content_type: str, max_links: int, skip_rel: frozenset[str] = frozenset()) -> Markup:
    """Metas, base and links but those with a word of `skip_rel` in `rel`; nothing of a page that would choke the parser."""
    decoded = decode(content, content_type=content_type)
    problem = decoded.error or check_limits(decoded.text)
    if problem:
        return Markup(problem=problem)
    parser = LexborHTMLParser(decoded.text)
    markup = Markup()
    for node in parser.css("meta[name][content]")[:MAX_META]:
        attributes = node.attributes
        markup.metas.append(((attributes.get("name") or "").strip().lower(), attributes.get("content") or ""))
    base = parser.css_first("base[href]")
    markup.base = (base.attributes.get("href") or "") if base is not None else ""
    room = 4 * max_links  # many of them are repeated or refused
    for node in parser.css("a[href], area[href]")[:room]:
        attributes = node.attributes
        href, rel = attributes.get("href"), attributes.get("rel")
        said = next((word for word in rel.lower().split() if word in skip_rel), "") if rel else ""
        if said:
            markup.left[said] += 1
        elif href:
            markup.links.append(href)
    return markup


@functools.cache
def warm_extractor() -> GuardedExtractor:
    """The extractor of this process: its child starts with the first page and serves all tasks after it."""
    extractor = GuardedExtractor()
    atexit.register(extractor.close)
    return extractor


@functools.cache
def scorer_of(model: str, label: str, text: str, max_characters: int) -> Any:
    """The classifier of this process; `model` is the JSON of its reference."""
    from mathcode_data.stages.score import fasttext

    reference = ResultRef.model_validate_json(model, context=RESOLVED)
    values = {"model": reference, "label": label, "text": text, "max_characters": max_characters}
    return fasttext.build(fasttext.Config.model_validate(values, context=RESOLVED))


class PageReader:
    """Reads pages one after the other."""

    def __init__(self, limits: Limits, scorer: Any = None, skip_rel: frozenset[str] = frozenset()) -> None:
        """`scorer` is a stage that adds `score_math`; without one, the formulas of a page count. `skip_rel`: as in `read_markup`."""
        self._limits, self._scorer, self._skip_rel = limits, scorer, skip_rel

    def markup(self, answer: Answer) -> tuple[bytes, Markup]:
        """Decoded body and markup. A body that was cut at a decoded limit is a bomb or nearly one: it is not looked into."""
        if answer.truncated == "length" or answer.decoded_bytes >= self._limits.max_decoded:
            return b"", Markup(problem="limit: cut")
        content = inflate(answer, self._limits)
        return content, read_markup(content, answer.header("content-type"), self._limits.max_links, self._skip_rel)

    def read(self, answer: Answer, content: bytes, markup: Markup) -> Reading:
        """Text, score and simhash of a page that may be used."""
        reading = Reading(markup, problem=markup.problem)
        if markup.problem:
            return reading
        page = warm_extractor().extract([PageInput(content, answer.url, answer.header("content-type"))])[0]
        if page.error:
            reading.problem = page.error
            return reading
        reading.simhash = simhash(page.text)
        reading.score = self._score(page)
        return reading

    def _score(self, page: Page) -> int:
        if self._scorer is None:
            return min(MILLION, len(page.formulas) * MILLION // FULL_FORMULAS)
        import pyarrow as pa

        table = pa.table({"text": pa.array([page.text], pa.large_string())})
        scores: Sequence[float] = self._scorer(table, Ledger("crawl"))["score_math"].to_pylist()
        return round(scores[0] * MILLION)
