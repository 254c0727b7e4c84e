"""A small, safe YAML loader that remembers where every key stands.

YAML 1.2 scalars (`no` is text, `1e-3` is a number, `010` is ten, `12:30` is text). Refused, each with file, line and
column: duplicate keys, anchors and aliases, tags, several documents, nesting beyond 50, files beyond 1 MB. Values are
built from parser events with an explicit stack, so no input can exhaust Python's.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mathcode_data.core.errors import ConfigError

MAX_FILE_BYTES = 1_000_000
MAX_DEPTH = 50

INTEGER = re.compile(r"[-+]?[0-9]{1,400}")
OCTAL = re.compile(r"0o[0-7]{1,400}")
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,400}")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
SPECIAL: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
NON_FINITE = {".inf", "-.inf", "+.inf", ".nan", ".Inf", "-.Inf", "+.Inf", ".NaN", ".INF", "-.INF", "+.INF", ".NAN"}

Location = tuple[str | int, ...]
"""Way from the top of a file to a value: map keys and list positions."""


@dataclass(frozen=True)
class YamlFile:
    """A loaded file: its data, and the line and column of every key and item (both from 1)."""

    path: Path
    data: Any
    marks: dict[Location, tuple[int, int]]

    def place(self, location: Location = ()) -> str:
        """Name a place as `file:line:column`; a location without a mark of its own is named by its nearest parent."""
        while location and location not in self.marks:
            location = location[:-1]
        line, column = self.marks.get(location, (1, 1))
        return f"{self.path}:{line}:{column}"


class _TooDeepError(yaml.MarkedYAMLError):
    """Brackets within brackets beyond the limit."""


class _Loader(yaml.SafeLoader):
    """Counts brackets while it scans: PyYAML looks up to 1024 tokens ahead, and longer for each that is open."""

    def fetch_flow_collection_start(self, TokenClass: Any) -> None:
        """Take the next `[` or `{`."""
        if self.flow_level >= MAX_DEPTH:
            raise _TooDeepError(problem_mark=self.get_mark())
        super().fetch_flow_collection_start(TokenClass)


@dataclass
class _Open:
    """A map or list that is being read."""

    value: dict[str, Any] | list[Any]
    location: Location
    key: str | None = None
    lines: dict[str, int] = field(default_factory=dict)


def load_yaml(path: Path) -> YamlFile:
    """Read a YAML file.

    Raises:
        ConfigError: no such file, no YAML, or one of the refused forms; the message names file, line and column.
    """
    try:
        with path.open("rb") as file:
            num_bytes = os.fstat(file.fileno()).st_size
            # bounded, whatever the size says: a device has none, and a file may grow
            content = file.read(MAX_FILE_BYTES + 1) if num_bytes <= MAX_FILE_BYTES else b""
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: cannot be read ({reason}); check the path") from error
    _check_size(max(num_bytes, len(content)), path)
    return parse_yaml(content, path)


def parse_yaml(content: bytes, path: Path) -> YamlFile:
    """Parse the bytes of a YAML file; `path` only names it in errors."""
    _check_size(len(content), path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    builder = _Builder(path)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        if isinstance(error, _TooDeepError):
            raise ConfigError(f"{place}: nested deeper than {MAX_DEPTH}; flatten the file") from error
        raise ConfigError(f"{place}: not YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    return YamlFile(path, builder.root, builder.marks)


def _check_size(num_bytes: int, path: Path) -> None:
    if num_bytes > MAX_FILE_BYTES:
        raise ConfigError(
            f"{path}: {num_bytes:,} bytes or more; a configuration file holds at most {MAX_FILE_BYTES:,}, is this the right file?"
        )


class _Builder:
    """Builds plain data from parser events, without recursion."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root: Any = None
        self.marks: dict[Location, tuple[int, int]] = {}
        self._stack: list[_Open] = []
        self._num_documents = 0

    def take(self, event: Any) -> None:
        """Take the next event of the parser."""
        place = f"{self.path}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"
        if isinstance(event, yaml.DocumentStartEvent):
            self._num_documents += 1
            if self._num_documents > 1:
                raise ConfigError(f"{place}: a second document begins; one file holds one document, remove the `---`")
        elif isinstance(event, yaml.AliasEvent):
            raise ConfigError(f"{place}: alias *{event.anchor}; aliases are not allowed, write the value out")
        elif isinstance(event, yaml.ScalarEvent):
            self._refuse_anchor_and_tag(event, place)
            self._scalar(event, place)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._refuse_anchor_and_tag(event, place)
            self._open({} if isinstance(event, yaml.MappingStartEvent) else [], event, place)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._stack.pop()

    def _refuse_anchor_and_tag(self, event: Any, place: str) -> None:
        if event.anchor is not None:
            raise ConfigError(f"{place}: anchor &{event.anchor}; anchors are not allowed, write the value out")
        if event.tag is not None:
            raise ConfigError(f"{place}: tag {event.tag}; tags are not allowed, write plain values")

    def _open(self, value: dict[str, Any] | list[Any], event: Any, place: str) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise ConfigError(f"{place}: nested deeper than {MAX_DEPTH}; flatten the file")
        if self._stack and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None:
            raise ConfigError(f"{place}: a map or list as a key; keys are plain text")
        location = self._place_value(value, event)
        self._stack.append(_Open(value, location))

    def _scalar(self, event: Any, place: str) -> None:
        parent = self._stack[-1] if self._stack else None
        if parent is not None and isinstance(parent.value, dict) and parent.key is None:
            key = str(event.value)
            if key in parent.value:
                raise ConfigError(f"{place}: key {key!r} stands twice, first in line {parent.lines[key]}; remove one")
            parent.key = key
            parent.lines[key] = event.start_mark.line + 1
            self.marks[(*parent.location, key)] = (event.start_mark.line + 1, event.start_mark.column + 1)
            return
        self._place_value(_typed(str(event.value), place) if event.implicit[0] else str(event.value), event)

    def _place_value(self, value: Any, event: Any) -> Location:
        if not self._stack:
            self.root = value
            return ()
        parent = self._stack[-1]
        if isinstance(parent.value, list):
            location: Location = (*parent.location, len(parent.value))
            parent.value.append(value)
            self.marks[location] = (event.start_mark.line + 1, event.start_mark.column + 1)
            return location
        assert parent.key is not None, "a map's value comes after its key"
        location = (*parent.location, parent.key)
        parent.value[parent.key] = value
        parent.key = None
        return location


def _typed(text: str, place: str) -> Any:
    """Give a plain scalar its YAML 1.2 type."""
    if text in SPECIAL:
        return SPECIAL[text]
    if text in NON_FINITE:
        raise ConfigError(f"{place}: {text}; numbers must be finite")
    if INTEGER.fullmatch(text):
        return int(text)
    if OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if HEXADECIMAL.fullmatch(text):
        return int(text[2:], 16)
    if FLOAT.fullmatch(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise ConfigError(f"{place}: {text} is beyond the range of a number")
        return number
    return text
