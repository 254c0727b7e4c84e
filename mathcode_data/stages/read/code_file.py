"""One source file, from wherever it came: its bytes decoded, its language told, and the rules asked.

Decoding: UTF-8, with or without a mark; UTF-16 and UTF-32 with a byte order mark; else what a coding line in the first two lines names
(`# -*- coding: latin-1 -*-`). What is no UTF-8 is replaced, and a file of which more than 1 % would be replaced is dropped as `not_utf8`.
A file with NUL characters is `binary`.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from mathcode_data.core.counters import Ledger
from mathcode_data.stages.read.code_rules import CodeRules, why_drop, why_drop_name
from mathcode_data.stages.read.languages_content import language_by_content
from mathcode_data.stages.read.license_policy import judge
from mathcode_data.stages.read.licenses import header_license
from mathcode_data.stages.read.text import clean_text, decode_utf8

COOKIE = re.compile(rb"^[ \t\f]*(?:#|//|/\*|--|;|%|<!--|\"|\(\*)[^\r\n]*?coding[:=][ \t]*([-\w.]+)")
COOKIE_CODECS = frozenset(
    {"ascii", "big5", "cp1250", "cp1251", "cp1252", "euc_jp", "euc_kr", "gb18030", "gb2312", "gbk", "iso8859-1", "iso8859-15"}
    | {"iso8859-2", "iso8859-5", "koi8-r", "shift_jis", "utf-8"}
)
"""What a coding line may name: others (punycode) take quadratic time, or are no text encodings at all."""
MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
UNKNOWN = "Text"


@dataclass(frozen=True)
class FileJudge:
    """What decides about a file: the rules, the languages and the licences that may enter."""

    rules: CodeRules
    languages: frozenset[str] | None
    allowed: frozenset[str] | None
    """SPDX names in lower case; None allows all, known or not."""
    more_languages: dict[str, str]
    """Languages by extension, beside those that are always known."""

    def named_language(self, name: str) -> str | None:
        """The language by an extension that only these rules know."""
        return self.more_languages.get(name.lower().rpartition(".")[2])

    def license(self, content_head: str, of_tree: str) -> str:
        """The licence of a file: what its own head says, else that of its folder."""
        return header_license(content_head) or of_tree

    def refuses(self, expression: str) -> str | None:
        """The reason to drop a file for its licence: `license_copyleft`, `license_unknown`, `license_not_listed`; else None."""
        if self.allowed is None:
            return None
        verdict = judge(expression, self.allowed)
        return None if verdict == "allowed" else f"license_{verdict}"

    def read(
        self, name: str, content: bytes, of_tree: str, ledger: Ledger, *, repository: str, is_asked_for: bool = False, language: str = ""
    ) -> tuple[str, str, str] | None:
        """Text, language and licence of a file, or None after it was counted as dropped.

        Args:
            name: path in the repository.
            content: all its bytes.
            of_tree: licence of the folder it lies in.
            ledger: counts and names what is dropped.
            repository: that the file lies in.
            is_asked_for: the file was given itself, so it is text if nothing else.
            language: what somebody else found its language to be; used where the name tells nothing.
        """
        reason, found = self._judge(name, content, of_tree, ledger, is_asked_for, language)
        if reason is not None:
            ledger.drop_unread(reason, path=name, repository=repository)
        return found

    def _judge(
        self, name: str, content: bytes, of_tree: str, ledger: Ledger, is_asked_for: bool, given: str
    ) -> tuple[str | None, tuple[str, str, str] | None]:
        reason = why_drop_name(name, self.rules)
        if reason is not None:
            return reason, None
        if content.startswith(LFS_POINTER):
            return "lfs_pointer", None
        decoded = decode_source(content)
        if decoded is None:
            return "binary" if b"\0" in content else "not_utf8", None
        text, num_replaced = decoded
        if not text.strip():
            return "empty", None
        if "\0" in text:
            return "binary", None
        language = language_by_content(name, text, self.named_language(name)) or given or (UNKNOWN if is_asked_for else None)
        if language is None:
            return "no_language", None
        if self.languages is not None and language not in self.languages:
            return "other_language", None
        license_name = self.license(text, of_tree)
        text, _ = clean_text(text)
        reason = self.refuses(license_name) or why_drop(text, language, self.rules, name)
        if reason is not None:
            return reason, None
        if num_replaced:
            ledger.count("replaced_characters", num_replaced)
        return None, (text, language, license_name)


def decode_source(content: bytes) -> tuple[str, int] | None:
    """Decode a source file. Returns the text and how many characters had to be replaced; None if it is no text.

    >>> decode_source(b"# coding: latin-1\\ns = '\\xe9'"), decode_source(b"\\xff\\xfea\\0")
    (("# coding: latin-1\\ns = 'é'", 0), ('a', 0))
    """
    if content.isascii():
        return content.decode("ascii"), 0
    for mark, encoding in MARKS:
        if content.startswith(mark):
            try:
                return content.decode(encoding), 0
            except UnicodeDecodeError:
                return None
    encoding = _cookie(content)
    if encoding != "utf-8":
        try:
            return content.removeprefix(codecs.BOM_UTF8).decode(encoding), 0
        except UnicodeDecodeError:
            return None
    return decode_utf8(content.removeprefix(codecs.BOM_UTF8))


def _cookie(content: bytes) -> str:
    """The encoding that a file names in its first two lines (PEP 263, and editors' mode lines)."""
    for line in content[:2000].split(b"\n", 2)[:2]:
        match = COOKIE.match(line)
        if match:
            try:
                name = codecs.lookup(match[1].decode()).name
            except LookupError:
                return "utf-8"
            return name if name in COOKIE_CODECS else "utf-8"
    return "utf-8"
