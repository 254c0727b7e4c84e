"""Replace credentials, e-mail addresses and public IP addresses by placeholders: `redact.secrets`.

`<KEY_1>`, `<PRIVATE_KEY_1>`, `<EMAIL_1>`, `<IP_ADDRESS_1>`: numbered in the order in which they first stand in the document, and
the same value has the same placeholder throughout it, so code that uses a value twice still does. The numbers say nothing about
the value and are not the same in two documents. `numbered: false` writes `<KEY>` and so on. Running it twice changes nothing.

Why a family of its own: `score.*` only adds columns and `select.*` only drops rows; this changes text. And why no `score.secrets`: whoever
drops documents by such a score would keep their text, secrets included, in the sample of dropped documents. So put this right
behind `read.code`, where nothing has been written yet (stages between two global ones run fused), and drop by its columns if you must:

- `score_secrets`: credentials replaced; `score_addresses`: e-mail and IP addresses replaced.

No value is ever written to a counter, a message, a manifest or a sample: they hold numbers and kinds. Credentials are found with
detect-secrets (`pip install 'mathcode-data[code]'`); see `secret_scan.py` and `addresses.py` for what counts and what is left.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import pyarrow as pa

from mathcode_data.core.config import StageConfig
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import require_columns
from mathcode_data.core.errors import SetupError
from mathcode_data.stages.redact.addresses import Span, find_emails, find_ips
from mathcode_data.stages.redact.secret_scan import find_secrets, require_detectors

VERSION = "3"
LIBRARIES = ("detect-secrets",)

MIN_REPEATED = 12
"""A credential of this length is replaced wherever it stands in the document, also where nothing names it."""
SECRET_KINDS = ("KEY", "PRIVATE_KEY")
OFFSETS = ("files", "special_tokens")
"""Columns that hold places in the text, which would no longer fit."""


class Config(StageConfig):
    """What is replaced."""

    secrets: bool = True
    """Keys, tokens, passwords, private keys; needs detect-secrets."""
    emails: bool = True
    """E-mail addresses of people."""
    ip_addresses: bool = True
    """Public IP addresses."""
    numbered: bool = True
    """Write `<EMAIL_1>`, `<EMAIL_2>` and not `<EMAIL>` for all."""


def redact(text: str, language: str, config: Config) -> tuple[str, Counter[str]]:
    """The text with placeholders, and how many pieces of each kind were replaced.

    >>> redact("mail jane@uni-x.edu or bob@uni-x.edu, jane@uni-x.edu", "Text", Config(secrets=False))[0]
    'mail <EMAIL_1> or <EMAIL_2>, <EMAIL_1>'
    """
    found: list[Span] = []
    if config.secrets:
        found += find_secrets(text, language)
        found += _repeated(text, {span.value for span in found if span.kind == "KEY" and len(span.value) >= MIN_REPEATED})
    addresses = [*(find_emails(text) if config.emails else ()), *(find_ips(text) if config.ip_addresses else ())]
    found += _outside(addresses, found) if found else addresses
    if not found:
        return text, Counter()
    return _replace(text, found, config.numbered)


def _outside(addresses: list[Span], secrets: list[Span]) -> list[Span]:
    """Addresses that share no character with a credential: the password of `https://user:password@host` begins none."""
    return [span for span in addresses if not any(secret.start < span.end and span.start < secret.end for secret in secrets)]


def _repeated(text: str, values: Iterable[str]) -> list[Span]:
    return [Span(match.start(), match.end(), "KEY", value) for value in sorted(values) for match in re.finditer(re.escape(value), text)]


def _replace(text: str, found: list[Span], numbered: bool) -> tuple[str, Counter[str]]:
    """Replace spans, the longest where some begin together; one inside another is gone with it."""
    pieces: list[str] = []
    numbers: dict[tuple[str, str], int] = {}
    counts: Counter[str] = Counter()
    first = {kind: _first_free(text, kind) for kind in {span.kind for span in found}}
    position = 0
    for span in sorted(found, key=lambda span: (span.start, -span.end, span.kind)):
        if span.start < position:
            if span.end > position:  # the rest of an overlapping one goes too
                position = span.end
            continue
        number = numbers.setdefault((span.kind, span.value), first[span.kind] + sum(kind == span.kind for kind, _ in numbers))
        pieces += [text[position : span.start], f"<{span.kind}_{number}>" if numbered else f"<{span.kind}>"]
        counts[span.kind] += 1
        position = span.end
    return "".join([*pieces, text[position:]]), counts


def _first_free(text: str, kind: str) -> int:
    """The first number behind those of placeholders that stand in the text already."""
    if f"<{kind}_" not in text:
        return 1
    return 1 + max((int(number) for number in re.findall(rf"<{kind}_(\d{{1,9}})>", text)), default=0)


class _Redact:
    def __init__(self, config: Config) -> None:
        self.config = config

    def __call__(self, table: pa.Table, ledger: Ledger) -> pa.Table:
        """Replace in every document of a table."""
        require_columns(table.schema, {"text": pa.large_string()}, "redact.secrets")
        moved = [name for name in OFFSETS if name in table.column_names]
        if moved:
            raise SetupError(f"redact.secrets: column {moved[0]!r} holds places in the text; put redact.secrets before arrange.*")
        languages = table["language"].to_pylist() if "language" in table.column_names else [""] * table.num_rows
        done = [
            redact(text or "", language or "", self.config) for text, language in zip(table["text"].to_pylist(), languages, strict=True)
        ]
        for _, counts in done:
            for kind, number in counts.items():
                ledger.count(f"redacted_{kind.lower()}", number)
        ledger.count("documents_redacted", sum(bool(counts) for _, counts in done))
        secrets = [float(sum(counts[kind] for kind in SECRET_KINDS)) for _, counts in done]
        addresses = [float(counts["EMAIL"] + counts["IP_ADDRESS"]) for _, counts in done]
        table = _with_column(table, "text", pa.array([text for text, _ in done], pa.large_string()))
        table = _with_column(table, "score_secrets", pa.array(secrets, pa.float64()))
        return _with_column(table, "score_addresses", pa.array(addresses, pa.float64()))


def _with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    position = table.schema.get_field_index(name)
    if position >= 0:
        return table.set_column(position, pa.field(name, values.type), values)
    return table.append_column(pa.field(name, values.type), values)


def build(config: Config) -> _Redact:
    """Make the stage.

    Raises:
        SetupError: detect-secrets is not installed.
    """
    if config.secrets:
        require_detectors("redact.secrets")
    return _Redact(config)
