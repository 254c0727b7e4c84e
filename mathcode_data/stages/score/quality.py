r"""Score the text quality of documents: `score.quality` adds plain measures, each a column that `select.threshold` can cut.

Rules for prose (Gopher's, C4's, FineWeb's) throw mathematics away: any `{`, too few alphabetic words, too many symbols. Here
formulas and code are set aside first, so they count in `score_length` and `score_formula_density` and nowhere else, and words
are letters between blanks or single Han characters, so Chinese is measured as English is. A document of formulas alone has
no prose: its measures of prose are those of a good text (0 for shares that should be low, the middle for word length).

Every measure is a share in [0, 1] unless said otherwise:

- `score_length`: characters of the whole text;
- `score_formula_density`: characters inside formulas;
- `score_symbols`: signs (`#`, `|`, `…`, `•`, emoji, ...) and letters of a wrong encoding (`Ã©`, `æ•°`) among the characters of the
  prose that are no white space;
- `score_word_length`: letters a word, on average (Han, kana and hangul characters are words of their own and left out);
- `score_stop_words`: words of the prose that are among the commonest of their language;
- `score_duplicate_lines`, `score_duplicate_paragraphs`: characters in lines or paragraphs that stood before;
- `score_duplicate_ngrams`: five words running that stood before;
- `score_quality`: how many of the rules of `Config` hold, 1.0 for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields

import numpy as np
import pyarrow as pa
from pydantic import Field

from mathcode_data.core.config import StageConfig
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import require_columns
from mathcode_data.stages.extract.words import words
from mathcode_data.stages.score.prose import without_code, without_formulas

VERSION = "3"
LIBRARIES = ("unicodedata",)

NGRAM = 5
MAX_MEASURED = 200_000
"""Characters of a document that are measured; the length counts all."""
NO_WORDS = 5.0
FEW_WORDS = 5
"""So few words (`n` and `a` over a table of formulas) say nothing of their length."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_SYMBOL = re.compile(r"[#|~^@*<>{}\[\]•…→►▪●■◆★☆✓✔\u2500-\u27bf\ue000-\uf8ff\U0001f300-\U0001faff\ufffd]|\.{3}")
# UTF-8 that was read as Windows-1252: the first two bytes of a character. Left out are signs that follow a letter in real text: a
# no-break space, closing quotes, dashes, dots.
_WRONG_ENCODING = re.compile("[\u00c2-\u00f4][\u0080-\u009f\u00a1-\u00ba\u00bc-\u00bf€‚ƒ„†‡ˆ‰Š‹ŒŽ“•˜™š›œžŸ]")
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_SPACED_WORD = re.compile(r"[^\W\d_]+")
_ASCII_SYMBOLS = "#~^@*<>{}[]"
_ASCII_LETTERS = str.maketrans({chr(code): " " for code in range(128) if not chr(code).isalpha()})
_TABLE_RULE = re.compile(r"^[|\s:-]{3,}$", re.M)
_STOP_WORDS = words(
    "the of and to a in is that for it with as are this by on be from which we an or at not have can if then let"
    " der die und das ist ein eine den von zu für sich dem des auch le les et des est une dans que pour qui sur pas un la de en"
    " los las el una del por con para es se lo al il di che per non della os uma do da com não em são het van dat niet op voor met"
    " och att det som är av и в не на что с по как это из för til na się nie jest do"
    " 的 是 在 了 和 有 不 为 一 中 这 我 与 の に は を が と で"
)


class Config(StageConfig):
    """The rules that `score_quality` counts; the columns are added whatever they say."""

    min_length: int = Field(default=200, ge=0)
    """Characters of the text."""
    max_symbols: float = Field(default=0.2, ge=0.0, le=1.0)
    """Share of signs in the prose."""
    min_word_length: float = Field(default=2.0, ge=0.0)
    """Letters a word; this and the next are asked only of documents with five words of prose or more."""
    max_word_length: float = Field(default=12.0, gt=0.0)
    """Letters a word."""
    min_stop_words: float = Field(default=0.02, ge=0.0, le=1.0)
    """Share of common words; asked only of documents with 50 words of prose or more."""
    max_duplicate_lines: float = Field(default=0.5, ge=0.0, le=1.0)
    """Share of characters in repeated lines."""
    max_duplicate_paragraphs: float = Field(default=0.5, ge=0.0, le=1.0)
    """Share of characters in repeated paragraphs."""
    max_duplicate_ngrams: float = Field(default=0.6, ge=0.0, le=1.0)
    """Share of repeated five-word runs."""


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures of one document; the field names are the columns without `score_`."""

    length: int
    formula_density: float
    symbols: float
    word_length: float
    stop_words: float
    duplicate_lines: float
    duplicate_paragraphs: float
    duplicate_ngrams: float
    num_words: int


def measure(text: str) -> Measures:
    r"""The measures of one text.

    >>> measure(r"\(a\) \(a\) \(a\)").symbols, measure("buy now\nbuy now\nbuy now").duplicate_lines
    (0.0, 0.6666666666666666)
    """
    length = len(text)
    text = without_code(text[:MAX_MEASURED])
    if "|" in text:  # the frame of a table is no sign of the prose
        text = _TABLE_RULE.sub(" ", text).replace("|", " ")
    prose = without_formulas(text)
    found = _words(prose)
    letters = sum(map(len, found))
    is_spaced = prose.isascii() or 2 * sum(1 for word in found if len(word) > 1 or word.isascii()) > len(found)
    visible = len(prose) - sum(map(prose.count, " \n\t"))
    formulas = len(text) - len(prose)
    return Measures(
        length=length,
        formula_density=formulas / len(text) if text else 0.0,
        symbols=_num_symbols(prose) / visible if visible else 0.0,
        word_length=letters / len(found) if found and is_spaced else NO_WORDS,
        stop_words=sum(map(_STOP_WORDS.__contains__, found)) / len(found) if found else 0.0,
        duplicate_lines=_repeated(text.split("\n")),
        duplicate_paragraphs=_repeated(text.split("\n\n")),
        duplicate_ngrams=_repeated_ngrams(found),
        num_words=len(found),
    )


def _words(prose: str) -> list[str]:
    """The words in lower case; several times faster where all of it is ASCII."""
    if prose.isascii():
        return prose.lower().translate(_ASCII_LETTERS).split()
    return (_WORD if _EAST_ASIAN.search(prose) else _SPACED_WORD).findall(prose.lower())


def _num_symbols(prose: str) -> int:
    if prose.isascii():
        return sum(map(prose.count, _ASCII_SYMBOLS)) + prose.count("...")
    return len(_SYMBOL.findall(prose)) + 2 * len(_WRONG_ENCODING.findall(prose))


def _repeated(parts: Iterable[str]) -> float:
    """The share of characters in parts that stood before."""
    seen: set[str] = set()
    total = again = 0
    for part in parts:
        part = part.strip()
        total += len(part)
        if part in seen:
            again += len(part)
        else:
            seen.add(part)
    return again / total if total else 0.0


def _repeated_ngrams(found: list[str]) -> float:
    """The share of five-word runs that stood before; Python's hashes differ between processes, what is equal does not."""
    count = len(found) - NGRAM + 1
    if count < 2:
        return 0.0
    hashes = np.fromiter(map(hash, found), np.int64, len(found)).view(np.uint64)
    runs = np.zeros(count, np.uint64)
    for offset in range(NGRAM):
        runs = runs * np.uint64(0x9E3779B97F4A7C15) + hashes[offset : offset + count]
    runs.sort()
    return float(np.count_nonzero(runs[1:] == runs[:-1])) / count


def quality(measures: Measures, config: Config) -> float:
    """The share of the rules that hold."""
    rules = (
        measures.length >= config.min_length,
        measures.symbols <= config.max_symbols,
        config.min_word_length <= measures.word_length <= config.max_word_length or measures.num_words < FEW_WORDS,
        measures.stop_words >= config.min_stop_words or measures.num_words < 50,
        measures.duplicate_lines <= config.max_duplicate_lines,
        measures.duplicate_paragraphs <= config.max_duplicate_paragraphs,
        measures.duplicate_ngrams <= config.max_duplicate_ngrams,
    )
    return sum(rules) / len(rules)


NAMES = tuple(field.name for field in fields(Measures) if field.name != "num_words")


class _QualityScore:
    """Adds one column a measure, and `score_quality`."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def __call__(self, table: pa.Table, ledger: Ledger) -> pa.Table:
        """Measure every document of a table."""
        require_columns(table.schema, {"text": pa.large_string()}, "score.quality")
        found = [measure(text or "") for text in table["text"].to_pylist()]
        columns = list(zip(*map(astuple, found), strict=True)) if found else [() for _ in fields(Measures)]
        for name, values in zip(NAMES, columns, strict=False):
            table = _with_column(table, f"score_{name}", pa.array(values, pa.float64()))
        scores = [quality(measures, self.config) for measures in found]
        ledger.count("measured", len(found))
        return _with_column(table, "score_quality", pa.array(scores, pa.float64()))


def _with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    position = table.schema.get_field_index(name)
    if position >= 0:
        return table.set_column(position, pa.field(name, values.type), values)
    return table.append_column(pa.field(name, values.type), values)


def build(config: Config) -> _QualityScore:
    """Make the stage."""
    return _QualityScore(config)
