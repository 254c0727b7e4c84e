"""Score the language of documents: `score.language` adds `language` and how far it is one of those that are wanted.

Formulas and code are left out first: their Latin letters would make every mathematical page English. Then, cheapest first:
the script (Chinese, Japanese, Korean, Arabic, Cyrillic, Greek, ...), of which two letters are enough, then the commonest words,
of which a short sentence has its share too, and for all else the n-gram model of py3langid (it loads with the first text that
needs it).
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import Any

import pyarrow as pa
from pydantic import Field

from mathcode_data.core.config import StageConfig
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import require_columns
from mathcode_data.stages.extract.language import by_common_words, script_family
from mathcode_data.stages.extract.language_codes import TWO_LETTERS
from mathcode_data.stages.score.language_short import by_function_words, by_letters, has_function_word
from mathcode_data.stages.score.prose import prose_of

VERSION = "3"
LIBRARIES = ("py3langid", "resiliparse", "unicodedata")

SAMPLE_CHARACTERS = 4_000
READ_CHARACTERS = 20_000
MODEL_CHARACTERS = 600  # five times faster than on the whole sample, as sure
MIN_LETTERS = 6
_LETTER = re.compile(r"[^\W\d_]")
_SPACES = re.compile(r"\s+")
BY_SCRIPT, BY_WORDS = 1.0, 0.98
MIN_SHARE, FEW_WORDS = 0.3, 4
"""Of fewer words (`sin cos`) without a function word the model must be so sure, or they are no prose."""


class Config(StageConfig):
    """Which languages are wanted, and the names of the columns."""

    languages: tuple[str, ...] = Field(default=("en", "zh"), min_length=1)
    """Codes of ISO 639-1; `score_language` is the confidence that a document is in one of them."""
    column: str = Field(default="language", pattern=r"^[a-z][a-z0-9_]*$")
    """Column for the code, added or replaced; "" where there is too little prose to tell."""
    score: str = Field(default="score_language", pattern=r"^score_[a-z0-9_]+$")
    """Column for the score in [0, 1]."""
    unknown: float = Field(default=1.0, ge=0.0, le=1.0)
    """Score of a document without prose, such as a page of formulas: 1.0 keeps it."""


def detect(text: str) -> tuple[str, float]:
    r"""The language of a text and how sure that is; ("", 0.0) where there is hardly any prose.

    >>> detect("设 \\(G\\) 是一个群，证明如下。"), detect(r"\(x^2\)")
    (('zh', 1.0), ('', 0.0))
    """
    sample = _SPACES.sub(" ", prose_of(text[:READ_CHARACTERS]))[:SAMPLE_CHARACTERS]
    script = by_letters(sample)
    if script:
        return script, BY_SCRIPT
    if len(_LETTER.findall(sample[:2_000])) < MIN_LETTERS:
        return "", 0.0
    family = script_family(sample)
    if family is not None and len(family) == 1:
        return next(iter(family)), BY_SCRIPT
    if family is None:
        common = by_common_words(sample) if len(sample) > MODEL_CHARACTERS else by_function_words(sample)
        if common:
            return common, BY_WORDS
    code, share = _by_model(sample[:MODEL_CHARACTERS].lower() if sample.isupper() else sample[:MODEL_CHARACTERS], family)
    is_prose = share >= MIN_SHARE or len(sample.split()) >= FEW_WORDS or has_function_word(sample, code)
    return (code, share) if is_prose else ("", 0.0)


def _by_model(sample: str, family: frozenset[str] | None) -> tuple[str, float]:
    """The most probable language of the model, among those of the script where that is known."""
    ranked = _model().rank(sample)
    fitting = [(str(code), float(share)) for code, share in ranked if family is None or code in family]
    if not fitting:
        return "", 0.0
    total = sum(share for _, share in fitting) or 1.0
    code, share = fitting[0]
    return code, share / total


@cache
def _model() -> Any:
    """One identifier a process, with probabilities, for the languages that have a code of two letters."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages([label for label in model.labels if label in TWO_LETTERS and label not in _RARE])
    return model


# Small languages for which short texts of a large neighbour are taken.
_RARE = frozenset(
    ["an", "oc", "wa", "vo", "io", "ia", "ie", "la", "qu", "rw", "xh", "zu", "st", "se", "lb", "fo", "gl", "eo", "mg", "jv", "ht", "br"]
)


class _LanguageScore:
    """Adds the two columns; the model loads with the first text that needs it."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def __call__(self, table: pa.Table, ledger: Ledger) -> pa.Table:
        """Detect the language of every document of a table."""
        require_columns(table.schema, {"text": pa.large_string()}, "score.language")
        found = [detect(text or "") for text in table["text"].to_pylist()]
        for code, number in sorted(Counter(code for code, _ in found).items()):
            ledger.count(f"language_{code or 'unknown'}", number)
        wanted = frozenset(self.config.languages)
        scores = [(share if code in wanted else 0.0) if code else self.config.unknown for code, share in found]
        table = _with_column(table, self.config.column, pa.array([code for code, _ in found], pa.string()))
        return _with_column(table, self.config.score, pa.array(scores, pa.float64()))


def _with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    position = table.schema.get_field_index(name)
    if position >= 0:
        return table.set_column(position, pa.field(name, values.type), values)
    return table.append_column(pa.field(name, values.type), values)


def build(config: Config) -> _LanguageScore:
    """Make the stage."""
    return _LanguageScore(config)
