"""Source files out of folders, git repositories, archives, installed Python packages and Parquet files, filtered by rules.

What `paths` may name:

- a folder: a repository (or, with `repository_depth`, the folders in it are); of a git working tree the files as they lie there;
- a git repository, bare or with `revision`: the files of a commit, without a checkout;
- an archive (tar, zip, wheel, source distribution): the folder that it would unpack to, which is never unpacked to the disk;
- a Parquet file in the shape of The Stack, or a folder that holds such files and no source file.

One document is one file: tabs and trailing blanks untouched, `\\r\\n` to `\\n`, NFC, without a byte order mark. It is identified by
repository and path, so a file that is edited keeps its id (rows of Parquet files: by their text too); `commit` is what was read, or
is checked out. The language is told by name and content, the licence by the head of the file, else the nearest licence file
above it, else its package's metadata; where the last two contradict each other, the stricter counts (`licenses_tree.py`). Files
whose language is not known by their name, scripts aside, are no source files and are not met; every other file that does not
become a document is counted under its reason.

By default only permissive licences enter (`licenses`); a file without any known licence is dropped as `license_unknown`.

A repository that is no larger than a split stays in one; a larger one is cut between files. A cut changes no document: each
part carries the repository's licence files, and a file is judged by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from mathcode_data.core.config import ByteCount, InputPaths, StageConfig, nearest
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import CODE_SCHEMA, document_id
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.stage import Split
from mathcode_data.stages.read.archive import ArchiveLimits
from mathcode_data.stages.read.batches import RowBatch
from mathcode_data.stages.read.code_archives import read_archive
from mathcode_data.stages.read.code_file import FileJudge
from mathcode_data.stages.read.code_git import read_commit
from mathcode_data.stages.read.code_inputs import Inputs, archive_splits, folder_splits, git_splits, parquet_splits, sort_inputs
from mathcode_data.stages.read.code_rules import MORE_EXTENSIONS, CodeRules, why_drop_name
from mathcode_data.stages.read.code_stack import rows_of
from mathcode_data.stages.read.files import count_skipped, read_whole, split_target, with_skipped
from mathcode_data.stages.read.languages import EXTENSIONS
from mathcode_data.stages.read.license_policy import LOWER
from mathcode_data.stages.read.licenses import MAX_LICENSE_BYTES
from mathcode_data.stages.read.licenses_tree import LicenseTree
from mathcode_data.stages.read.source_trees import FileFilter, Repository, check_names, find_folders, find_packages

VERSION = "5"
LIBRARIES = ("unicodedata", "zstandard")


class Config(StageConfig):
    """Which trees, and which of their files."""

    paths: InputPaths = ()
    """Folders of source files, git repositories, archives, Parquet files, single files, or patterns."""
    packages: tuple[str, ...] = ()
    """Import names of installed Python packages; `stdlib` is the standard library of the running interpreter."""
    source: str = Field(default="code", min_length=1)
    """Name of the source in the documents."""
    repository_depth: int = Field(default=0, ge=0, le=4)
    """0: each folder in `paths` is a repository; 1: each folder or archive in it is one; 2: for OWNER/NAME."""
    revision: str | None = Field(default=None, min_length=1)
    """Branch, tag or commit to read of every git repository in `paths`; null: working trees as they lie there, HEAD of bare ones."""
    licenses: Literal["permissive", "any"] | tuple[str, ...] = "permissive"
    """Licences that may enter: `permissive` (a list after the Blue Oak Council's, in `license_policy.py`), `any`, or a list of SPDX names.
    Others drop as `license_copyleft`, `license_not_listed` or `license_unknown`."""
    exclude: tuple[str, ...] = ("test", "tests", "idle_test")
    """Patterns of files and folders to leave out: without `/` for any part of a path, with `/` for all of it."""
    languages: tuple[str, ...] | None = None
    """Languages to read; null means all that are known by their file names."""
    max_file_bytes: ByteCount = Field(default=1_000_000, gt=0)
    """Larger files are dropped as `too_large`."""
    max_archive_bytes: ByteCount = Field(default=8 << 30, gt=0)
    """An archive that holds more, or 200 times its own size, is refused: a bomb."""
    split_bytes: ByteCount = Field(default=64_000_000, gt=0)
    """Files that one task reads, at most; an input of less than 16 such parts is cut into 16, of 1 MB or more."""
    rules: CodeRules = CodeRules()
    """The rule filters; `{preset: starcoder2}` takes those of StarCoder2."""

    @field_validator("languages")
    @classmethod
    def _check_languages(cls, languages: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for language in languages or ():
            if language not in EXTENSIONS and language not in MORE_EXTENSIONS:
                raise ValueError(f"no language {language!r}{nearest(language, EXTENSIONS)}")
        return languages

    @model_validator(mode="after")
    def _check_licenses(self) -> Config:
        if not self.licenses:
            raise ValueError("licenses: no licence may enter; write `permissive`, `any`, or SPDX names")
        return self

    def judge(self) -> FileJudge:
        """What decides about a file."""
        allowed = LOWER if self.licenses == "permissive" else None
        if isinstance(self.licenses, tuple):
            allowed = frozenset(name.lower() for name in self.licenses)
        languages = frozenset(self.languages) if self.languages is not None else None
        return FileJudge(self.rules, languages, allowed, self.more_languages())

    def more_languages(self) -> dict[str, str]:
        """Languages by extension that only some rules read."""
        wanted = set(self.languages or ()) | (set(MORE_EXTENSIONS) if self.rules.only_known_texts else set())
        return {extension: language for language, names in MORE_EXTENSIONS.items() if language in wanted for extension in names.split()}


class CodeSource:
    """Reads source files."""

    schema = CODE_SCHEMA

    def __init__(self, config: Config) -> None:
        self._config = config
        self._filter = FileFilter(
            config.exclude, frozenset(config.languages) if config.languages is not None else None, config.more_languages()
        )
        self._judge = config.judge()
        self._limits = ArchiveLimits(max_bytes=config.max_archive_bytes)

    def splits(self) -> list[Split]:
        """Repositories in name order, packed into splits; then git repositories, archives and Parquet files.

        Raises:
            ConfigError: nothing was found, a package is not installed, two files would have the same name, or a revision is not there.
        """
        config = self._config
        if not config.paths and not config.packages:
            raise ConfigError("read.code: name what to read: paths (folders, archives, repositories) or packages (import names)")
        skipped: Counter[str] = Counter()
        inputs = sort_inputs(config.paths, config.repository_depth, config.revision)
        repositories = self._repositories(inputs, skipped)
        if not repositories:
            inputs = inputs.with_parquet_folders()
        check_names(repositories, [*(tree.name for tree in inputs.git), *(archive.name for archive in inputs.archives)])
        total = sum(tree.bytes for tree in repositories)
        found = [
            *folder_splits(repositories, split_target(total, config.split_bytes)),
            *git_splits(inputs.git, self._filter, config.split_bytes),
            *archive_splits(inputs.archives, config.split_bytes),
            *parquet_splits(inputs.parquet),
        ]
        if not found:
            where = f"paths {list(config.paths)}, packages {list(config.packages)}"
            hint = "; archives in a folder are read with repository_depth: 1" if inputs.holds_archives() else ""
            raise ConfigError(f"{where}: no source files there; check `exclude` and `languages`{hint}")
        return with_skipped(found, dict(skipped))

    def _repositories(self, inputs: Inputs, skipped: Counter[str]) -> list[Repository]:
        def own(name: str) -> str | None:
            return why_drop_name(name, self._config.rules)

        trees = [
            *find_folders(inputs.folders, self._config.repository_depth, self._filter, skipped, own, inputs.read_otherwise()),
            *find_packages(self._config.packages, self._filter, skipped, own),
        ]
        return sorted((tree for tree in trees if tree.files), key=lambda tree: tree.name)

    def read(self, split: Split, ledger: Ledger) -> Iterator[pa.Table]:
        """Read the files of one split."""
        count_skipped(split.options, ledger)
        batch = RowBatch(self.schema)
        readers = {"folders": self._read_folders, "git": self._read_git, "archives": self._read_archives, "parquet": self._read_parquet}
        for row in readers[split.options.get("kind", "folders")](split, ledger):
            batch.add(row, len(row["text"]))
            yield from batch.full()
        yield from batch.rest()

    def _row(
        self, repository: str, name: str, content: bytes, of_tree: str, ledger: Ledger, *, commit: str = "", **known: Any
    ) -> dict[str, Any] | None:
        """A file as a row, or None after it was counted as dropped."""
        doc_id = known.pop("doc_id", None)
        found = self._judge.read(name, content, of_tree, ledger, repository=repository, **known)
        if found is None:
            return None
        text, language, license_name = found
        return {
            "doc_id": doc_id or document_id(self._config.source, f"{repository}:{name}"),
            "source": self._config.source,
            "url": "",
            "text": text,
            "repository": repository,
            "path": name,
            "language": language,
            "license": license_name,
            "commit": commit,
        }

    def _read_folders(self, split: Split, ledger: Ledger) -> Iterator[dict[str, Any]]:
        first = 0
        for repository, num_licenses, num_files, commit, declared in split.options["repositories"]:
            begin = first + num_licenses
            skip = len(repository) + 1
            licenses = read_licenses(split.files[first:begin], [name[skip:] for name in split.names[first:begin]], declared)
            first = begin + num_files
            for path, full_name in zip(split.files[begin:first], split.names[begin:first], strict=True):
                ledger.saw()
                name = full_name[skip:]
                content = read_whole(path, self._config.max_file_bytes)
                if content is None:
                    ledger.drop_unread("too_large", path=name, repository=repository)
                    continue
                is_asked_for = Path(path).name == name and not self._filter(name)
                row = self._row(repository, name, content, licenses.of(name), ledger, commit=commit, is_asked_for=is_asked_for)
                if row is not None:
                    yield row

    def _read_git(self, split: Split, ledger: Ledger) -> Iterator[dict[str, Any]]:
        repository, commit = split.options["repository"], split.options["commit"]
        files = read_commit(Path(split.files[0]), split.options, self._filter, self._config.max_file_bytes, ledger)
        for name, content, license_name in files:
            row = self._row(repository, name, content, license_name, ledger, commit=commit)
            if row is not None:
                yield row

    def _read_archives(self, split: Split, ledger: Ledger) -> Iterator[dict[str, Any]]:
        for path, repository in zip(split.files, split.options["repositories"], strict=True):
            files = read_archive(Path(path), repository, self._limits, self._filter, self._config.max_file_bytes, ledger)
            for name, content, license_name in files:
                row = self._row(repository, name, content, license_name, ledger)
                if row is not None:
                    yield row

    def _read_parquet(self, split: Split, ledger: Ledger) -> Iterator[dict[str, Any]]:
        for path in split.files:
            for given in rows_of(Path(path), self._config.source, self._config.max_file_bytes, ledger):
                row = self._row(
                    given["repository"], given["path"], given["content"], given["license"], ledger,
                    commit=given["commit"], doc_id=given["doc_id"], language=given["language"],
                )  # fmt: skip
                if row is not None:
                    yield row


def read_licenses(paths: Sequence[str], names: Sequence[str], declared: str = "") -> LicenseTree:
    """The licences of a repository by the files that tell them."""
    tree = LicenseTree(declared)
    for path, name in zip(paths, names, strict=True):
        tree.add(name, (read_whole(path, MAX_LICENSE_BYTES) or b"").decode("utf-8", "replace"))
    return tree


def build(config: Config) -> CodeSource:
    """Build the source; looks at no file yet."""
    return CodeSource(config)
