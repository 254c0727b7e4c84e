"""The licences of a repository by folder, and by Python distribution where several lie side by side.

A file stands under the nearest licence file above it, else under the metadata of its distribution. In a folder with one
distribution (a wheel, a source distribution) all is that one's. Among several (a `site-packages`) each says in RECORD, else in
`top_level.txt`, else by its name what is its, and a file that none claims stands under licence files only. Several licences of one
rank are joined by AND. Where licence files and metadata contradict each other, the stricter counts.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mathcode_data.stages.read.license_policy import LOWER, RANK, judge
from mathcode_data.stages.read.licenses import (
    DEBIAN_FILE,
    INFO_FOLDERS,
    MAX_LICENSE_BYTES,
    METADATA_FILES,
    NOTHING_SAID,
    debian_license,
    is_metadata,
    is_record,
    metadata_license,
    parse_metadata,
    recognise_license,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+:-]*")
_LATER = re.compile(r"(?:-or-later|-only|\+)\Z", re.IGNORECASE)
MAX_RECORD = MAX_LICENSE_BYTES * 9 // 10
"""Of a RECORD that is longer, and may have been cut, only the folders on top count."""


@dataclass(eq=False)
class Distribution:
    """A Python distribution: what it declares, and which files of its folder are its."""

    name: str
    is_source: bool = False
    """Its metadata lies on top of its folder, as in a source distribution: all there is its."""
    declared: str = ""
    is_exact: bool = False
    """It declares an SPDX expression."""
    texts: set[str] = field(default_factory=set)
    """What its own licence files say."""
    files: set[str] = field(default_factory=set)
    tops: set[str] = field(default_factory=set)


class Claims:
    """Whose a file is, among the distributions of one folder."""

    def __init__(self, distributions: Iterable[Distribution]) -> None:
        """Index what they say: lists of files, else top names, else their own names."""
        near = list(distributions)
        self._all = [one for one in near if one.is_source] or (near if len({_plain(one.name) for one in near}) == 1 else [])
        self._files: dict[str, list[Distribution]] = {}
        self._tops: dict[str, list[Distribution]] = {}
        for one in near:
            for file in one.files:
                self._files.setdefault(file, []).append(one)
            for top in () if one.files else {_plain(name) for name in one.tops or {one.name}}:
                self._tops.setdefault(top, []).append(one)

    def of(self, inner: str) -> list[Distribution]:
        """The distributions that a file belongs to, by its path in the folder."""
        top = re.sub(r"\.pyi?\Z", "", inner.partition("/")[0])
        return self._all or self._files.get(inner) or self._tops.get(_plain(top), [])

    def by_record(self, inner: str) -> list[Distribution]:
        """Those that list a file."""
        return self._files.get(inner, [])


class LicenseTree:
    """The licences of a repository: take in all files for which `tells_license` is true, then ask."""

    def __init__(self, declared: str = "") -> None:
        """Begin with what is known without a file: it counts where nothing else tells."""
        self._declared = declared
        self._by_folder: dict[str, dict[str, str]] = {}
        """By folder, then by licence file, what it says."""
        self._debian: dict[str, str] = {}
        self._distributions: dict[str, dict[str, Distribution]] = {}
        """By the folder in which they lie, then by the folder that describes them."""
        self._claims: dict[str, Claims] | None = None

    def add(self, name: str, text: str) -> None:
        """Take in a file for which `tells_license` is true; what tells nothing changes nothing."""
        self._claims = None
        if is_record(name):
            self._add_record(name, text)
        elif is_metadata(name):
            fields = parse_metadata(text)
            owner = self._distribution(name, "".join(fields.get("name", ())[:1]))
            owner.is_exact = "license-expression" in fields
            owner.declared = metadata_license(fields)
        elif f"/{name}".endswith(f"/{DEBIAN_FILE}"):
            self._debian.setdefault(name[: -len(DEBIAN_FILE) - 1], debian_license(text))
        else:
            self._add_text(name, recognise_license(text))

    def add_unreadable(self, name: str) -> None:
        """Take in such a file whose content is lost: what it governs is under a licence that nobody can tell."""
        self._claims = None
        if is_metadata(name):
            owner = self._distribution(name)
            owner.declared, owner.is_exact = NOTHING_SAID, True
        elif not is_record(name) and not f"/{name}".endswith(f"/{DEBIAN_FILE}"):
            self._add_text(name, NOTHING_SAID)

    def _distribution(self, name: str, called: str = "") -> Distribution:
        """The distribution that a file in its `.dist-info`, or its PKG-INFO on top of it, describes."""
        folder = name.rpartition("/")[0]
        info = folder.rpartition("/")[2]
        is_info = info.endswith(INFO_FOLDERS)
        stem = info.rpartition(".")[0].partition("-")[0] if is_info else info
        outer = folder.rpartition("/")[0] if is_info or info == "EGG-INFO" else folder
        found = self._distributions.setdefault(outer, {}).setdefault(folder, Distribution(stem, not is_info))
        found.name = called or found.name
        return found

    def _add_record(self, name: str, text: str) -> None:
        owner, base = self._distribution(name), name.rpartition("/")[2]
        if base == "top_level.txt":
            owner.tops.update(line.strip() for line in text.splitlines() if line.strip())
        elif base == "RECORD":
            listed = [row[0] for row in csv.reader(text.replace("\0", "").splitlines()) if row]
            if len(text) < MAX_RECORD:
                owner.files.update(listed)
            else:
                owner.tops.update(name.partition("/")[0] for name in listed)
        else:  # installed-files.txt names them from its own folder on
            owner.files.update(line.strip().removeprefix("../") for line in text.splitlines() if line.startswith("../"))

    def _add_text(self, name: str, found: str) -> None:
        if not found:
            return
        folder = name.rpartition("/")[0]
        if ".dist-info" in folder:
            top, _, inner = folder.partition(".dist-info")
            if inner in ("", "/licenses"):  # else of something that the distribution bundles
                self._distribution(f"{top}.dist-info/{METADATA_FILES[0]}").texts.add(found)
            return
        if folder.rsplit("/", 1)[-1].lower() in ("licenses", "licences"):
            folder = folder.rpartition("/")[0]
        self._by_folder.setdefault(folder, {})[name] = found

    def of(self, path: str) -> str:
        """The licence of a file of the repository, by its path; "" if nothing tells."""
        owners, texts, fallback = self._owners(path), "", ""
        for folder in _above(path):
            own = {text for owner, at in owners if at == folder for text in owner.texts}
            texts = _all_of({*own, *self._texts_in(folder, owners)})
            if texts:
                break
        for folder in _above(path):
            fallback = fallback or self._debian.get(folder, "")
        declared = [owner.declared for owner, _ in owners]
        if not declared or not any(declared):
            return texts or fallback or self._declared
        if not texts and not all(declared):
            return ""  # two claim it, and one of them does not say what it may be used for
        return _stricter(texts, _all_of(filter(None, declared)), is_exact=all(owner.is_exact for owner, _ in owners))

    def _owners(self, path: str) -> list[tuple[Distribution, str]]:
        """The distributions that a file belongs to, of the nearest folder where it belongs to one; and that folder."""
        if self._claims is None:
            self._claims = {folder: Claims(near.values()) for folder, near in self._distributions.items()}
        for folder in _above(path):
            found = self._claims[folder].of(_inner(path, folder)) if folder in self._claims else []
            if found:
                return [(one, folder) for one in found]
        return []

    def _texts_in(self, folder: str, owners: list[tuple[Distribution, str]]) -> Iterator[str]:
        """What the licence files in a folder say, without those that belong to other distributions than a file's own."""
        claims = (self._claims or {}).get(folder)
        for name, found in self._by_folder.get(folder, {}).items():
            theirs = claims.by_record(_inner(name, folder)) if claims else []
            if not theirs or any(owner in theirs for owner, _ in owners):
                yield found


def _above(path: str) -> Iterator[str]:
    """The folders of a path, the nearest first, at last the top."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def _inner(path: str, folder: str) -> str:
    return path[len(folder) + 1 :] if folder else path


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _stricter(text: str, declared: str, *, is_exact: bool) -> str:
    """What licence files and metadata say together.

    An expression that names just the licences of the texts says how they are joined (`MIT OR GPL-2.0`). Else the stricter
    counts; of two as strict the text, or the expression if it names more.
    """
    if not text or text == declared:
        return text or declared
    named, found = _names(declared), _names(text)
    if is_exact and named == found:
        return declared
    by_text, by_metadata = RANK[judge(text, LOWER)], RANK[judge(declared, LOWER)]
    if by_text == by_metadata:
        return declared if is_exact and named >= found else text
    return text if by_text > by_metadata else declared


def _names(expression: str) -> set[str]:
    return {_LATER.sub("", name).lower() for name in _NAME.findall(expression)} - {"and", "or", "with"}


def _all_of(found: Iterable[str]) -> str:
    names = set(found)
    return " AND ".join(f"({name})" if " OR " in name and len(names) > 1 else name for name in sorted(names))
