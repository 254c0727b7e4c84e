"""Source files out of folders and installed Python packages, filtered by the rules of DeepSeek-Coder.

One document is one file: tabs and trailing blanks untouched, `\\r\\n` to `\\n`, NFC. It is identified by repository and path,
so a file that is edited keeps its id; `commit` is what is checked out where the repository is the top of a git working
tree. Files whose language is not known by their name are no source files and are not
read at all; every file that is read and dropped is counted under its reason.

A repository that is no larger than a split stays in one; a larger one is cut between files. A cut changes no document: each
part carries the repository's licence files, and a file is judged by itself.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from mathcode_data.core.config import ByteCount, InputPaths, StageConfig, nearest
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import CODE_SCHEMA, document_id
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.stage import Split
from mathcode_data.stages.read.batches import RowBatch
from mathcode_data.stages.read.code_rules import CodeRules, why_drop
from mathcode_data.stages.read.files import InputFile, count_skipped, group_by_bytes, read_whole, split_target, with_skipped
from mathcode_data.stages.read.languages import EXTENSIONS, language_of
from mathcode_data.stages.read.licenses import MAX_LICENSE_BYTES, recognise_license
from mathcode_data.stages.read.source_trees import FileFilter, Repository, check_names, find_folders, find_packages
from mathcode_data.stages.read.text import clean_text

VERSION = "2"
LIBRARIES = ("unicodedata",)
UNKNOWN = "Text"
COOKIE = re.compile(rb"[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)")
COOKIE_CODECS = frozenset(
    {"ascii", "big5", "cp1250", "cp1251", "cp1252", "euc_jp", "euc_kr", "gb18030", "gb2312", "gbk", "iso8859-1", "iso8859-15"}
    | {"iso8859-2", "iso8859-5", "koi8-r", "shift_jis", "utf-8"}
)
"""What a coding line may name: others (punycode) take quadratic time, or are no text encodings at all."""


class Config(StageConfig):
    """Which trees, and which of their files."""

    paths: InputPaths = ()
    """Folders of source files, single files, or patterns."""
    packages: tuple[str, ...] = ()
    """Import names of installed Python packages; `stdlib` is the standard library of the running interpreter."""
    source: str = Field(default="code", min_length=1)
    """Name of the source in the documents."""
    repository_depth: int = Field(default=0, ge=0, le=4)
    """0: each folder in `paths` is a repository; 1: each folder in it is one; 2: for OWNER/NAME."""
    exclude: tuple[str, ...] = ("test", "tests", "idle_test", "node_modules", "vendor", "third_party", "*.min.js", "*.min.css")
    """Patterns of files and folders to leave out: without `/` for any part of a path, with `/` for all of it."""
    languages: tuple[str, ...] | None = None
    """Languages to read; none means all that are known by their file names."""
    max_file_bytes: ByteCount = Field(default=1_000_000, gt=0)
    """Larger files are dropped as `too_large`."""
    split_bytes: ByteCount = Field(default=64_000_000, gt=0)
    """Files that one task reads, at most; an input of less than 16 such parts is cut into 16, of 1 MB or more."""
    rules: CodeRules = CodeRules()
    """The rule filters."""

    @field_validator("languages")
    @classmethod
    def _check_languages(cls, languages: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for language in languages or ():
            if language not in EXTENSIONS:
                raise ValueError(f"no language {language!r}{nearest(language, EXTENSIONS)}")
        return languages

    @model_validator(mode="after")
    def _check_inputs(self) -> Config:
        if not self.paths and not self.packages:
            raise ValueError("name what to read: paths (folders) or packages (import names)")
        return self


class CodeSource:
    """Reads source files."""

    schema = CODE_SCHEMA

    def __init__(self, config: Config) -> None:
        self._config = config

    def splits(self) -> list[Split]:
        """Repositories in name order, packed into splits.

        Raises:
            ConfigError: nothing was found, a package is not installed, or two files would have the same name.
        """
        config = self._config
        skipped: Counter[str] = Counter()
        wanted = FileFilter(config.exclude, frozenset(config.languages) if config.languages is not None else None)
        repositories = [
            *find_folders(config.paths, config.repository_depth, wanted, skipped),
            *find_packages(config.packages, wanted, skipped),
        ]
        repositories = sorted((tree for tree in repositories if tree.files), key=lambda tree: tree.name)
        if not repositories:
            where = f"paths {list(config.paths)}, packages {list(config.packages)}"
            raise ConfigError(f"{where}: no source files there; check `exclude` and `languages`")
        check_names(repositories)
        target = split_target(sum(tree.bytes for tree in repositories), config.split_bytes)
        return with_skipped(list(_pack(repositories, target)), dict(skipped))

    def read(self, split: Split, ledger: Ledger) -> Iterator[pa.Table]:
        """Read the files of one split."""
        count_skipped(split.options, ledger)
        batch = RowBatch(self.schema)
        first = 0
        for name, num_licenses, num_files, commit in split.options["repositories"]:
            begin = first + num_licenses
            license_name = _read_license(split.files[first:begin])
            first = begin + num_files
            for path, full_name in zip(split.files[begin:first], split.names[begin:first], strict=True):
                row = self._row(path, name, full_name[len(name) + 1 :], ledger)
                if row is not None:
                    batch.add(row | {"license": license_name, "commit": commit}, len(row["text"]))
                yield from batch.full()
        yield from batch.rest()

    def _row(self, path: str, repository: str, name: str, ledger: Ledger) -> dict[str, Any] | None:
        """A file as a row, or None after it was counted as dropped."""
        ledger.saw()
        language = language_of(name) or UNKNOWN  # a single file may be given whatever its name
        content = read_whole(path, self._config.max_file_bytes)
        text = decode_source(content, language) if content is not None else None
        if content is None or text is None:
            ledger.drop_unread("too_large" if content is None else "not_utf8")
            return None
        reason = "empty" if not text.strip() else "binary" if "\0" in text else None
        text, _ = clean_text(text)
        reason = reason or why_drop(text, language, self._config.rules)
        if reason is not None:
            ledger.drop_unread(reason)
            return None
        return {
            "doc_id": document_id(self._config.source, f"{repository}:{name}"),
            "source": self._config.source,
            "url": "",
            "text": text,
            "repository": repository,
            "path": name,
            "language": language,
        }


def _pack(repositories: Sequence[Repository], split_bytes: int) -> Iterator[Split]:
    """Put whole repositories together until a split is full; cut only those that are larger than a split."""
    waiting: list[tuple[Repository, list[InputFile]]] = []
    size = 0
    for repository in repositories:
        for group in group_by_bytes(repository.files, split_bytes):
            # a repository that fits whole is not begun in what is left of a split
            needed = repository.bytes if repository.bytes <= split_bytes else sum(file.bytes for file in group)
            if waiting and size + needed > split_bytes:
                yield _split(waiting)
                waiting, size = [], 0
            waiting.append((repository, group))
            size += sum(file.bytes for file in group)
    yield _split(waiting)


def _split(parts: Sequence[tuple[Repository, list[InputFile]]]) -> Split:
    named = [(f"{repository.name}/{file.name}", file.path) for repository, group in parts for file in [*repository.licenses, *group]]
    counts = [[repository.name, len(repository.licenses), len(group), repository.commit] for repository, group in parts]
    return Split(tuple(path for _, path in named), tuple(name for name, _ in named), {"repositories": counts})


def _read_license(paths: Sequence[str]) -> str:
    """SPDX names of the licence files, joined by AND where they differ."""
    texts = [read_whole(path, MAX_LICENSE_BYTES) or b"" for path in paths]
    return " AND ".join(sorted({name for text in texts if (name := recognise_license(text.decode("utf-8", "replace")))}))


def decode_source(content: bytes, language: str) -> str | None:
    """Decode a source file as UTF-8, a Python file as its coding line says; None if that fails.

    >>> decode_source(b"# coding: latin-1\\ns = '\\xe9'", "Python")
    "# coding: latin-1\\ns = 'é'"
    """
    encoding = _cookie(content) if language == "Python" and not content.isascii() else "utf-8"
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode(encoding)
    except UnicodeDecodeError:
        return None


def _cookie(content: bytes) -> str:
    """The encoding that a Python file names in its first two lines (PEP 263)."""
    for line in content.split(b"\n", 2)[:2]:
        match = COOKIE.match(line)
        if match:
            try:
                name = codecs.lookup(match[1].decode()).name
            except LookupError:
                return "utf-8"
            return name if name in COOKIE_CODECS else "utf-8"
    return "utf-8"


def build(config: Config) -> CodeSource:
    """Build the source; looks at no file yet."""
    return CodeSource(config)
