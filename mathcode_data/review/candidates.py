"""What is reviewed: the candidates of a `learn.domains` result, and the decisions file beside it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.manifest import MANIFEST_NAME, Result, read_result
from mathcode_data.core.storage import write_bytes
from mathcode_data.core.terminal import visible
from mathcode_data.inspect.markup import is_safe_url
from mathcode_data.stages.select.domains_decisions import Decided, Place, decide, parse_place, read_decisions, read_line

ROUND = re.compile(r"round-([0-9]+)-domains")
NUMBERS = ("pages", "collected", "share", "low", "high")


def find_domains(path: Path) -> Result:
    """The result itself, or that of the latest round in the output folder of a recall.

    Raises:
        ConfigError: nothing of that kind is there.
    """
    if not (path / MANIFEST_NAME).exists() and path.is_dir():
        rounds = {int(found[1]): folder for folder in path.iterdir() if (found := ROUND.fullmatch(folder.name))}
        if rounds:
            path = rounds[max(rounds)]
    result = read_result(path)
    if result.manifest.kind != "domains":
        raise ConfigError(f"{path}: a {result.manifest.kind} result; name one of learn.domains, or the output folder of a recall")
    return result


def decisions_beside(result: Result) -> Path:
    """Where `recall` looks for the decisions on this result by default."""
    found = ROUND.fullmatch(result.folder.name)
    if found:
        return result.folder.parent / "decisions" / f"round-{int(found[1]):02d}.jsonl"
    return result.folder.with_name(f"{result.folder.name}.decisions.jsonl")


def with_letters(name: str) -> str:
    """A domain or prefix, and behind it in brackets the host as its readers write it where that is in another script.

    The form of ASCII comes first: letters of two scripts may look alike.

    >>> with_letters("xn--fiqs8s.example/a/"), with_letters("math.example")
    ('xn--fiqs8s.example/a/ (中国.example)', 'math.example')
    """
    host = name.split("/", 1)[0]
    if "xn--" not in host.lower():
        return name
    labels = [_letters(label) for label in host.split(".")]
    return name if labels == host.split(".") else f"{name} ({'.'.join(labels)})"


def _letters(label: str) -> str:
    if not label.lower().startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


class Review:
    """Rows to decide on and what was decided; every act is in the file before it is answered."""

    def __init__(self, result: Result, file: Path, by: str | None = None) -> None:
        """Read candidates and decisions.

        Raises:
            DataError: the decisions file has a wrong line.
        """
        self.result, self.file, self._by = result, file, by
        self._undo: list[tuple[Place, str | None]] = []
        candidates = [orjson.loads(line) for path in result.paths("candidates-", ".jsonl") for line in path.read_bytes().splitlines()]
        candidates.sort(key=lambda found: (found["collected"] - found["pages"], found["domain"]))
        self._rows: list[dict[str, Any]] = []
        for found in candidates:
            own = {
                "kind": "domain",
                "suggested": found["is_whole"],
                "name": found["domain"],
                "samples": found["samples"],
                **{key: found[key] for key in NUMBERS},
            }
            self._rows += [own, *({"kind": "prefix", "suggested": True, **prefix} for prefix in found["prefixes"])]
        self._places = [parse_place(row["kind"], row["name"]) for row in self._rows]
        self._automatic = {place for path in result.paths("decisions.jsonl") for place in decide(read_decisions(path)).places}
        self.decided()

    def decided(self) -> Decided:
        """What holds now; the file is read again, as somebody may write into it by hand."""
        automatic = [line for path in self.result.paths("decisions.jsonl") for line in read_decisions(path)]
        return decide([*automatic, *(read_decisions(self.file) if self.file.is_file() else [])])

    def state(self) -> list[str | None]:
        """The decision on each row, None where there is none; `auto` where no person took it."""
        places = self.decided().places
        by_hand = {line.place for line in read_decisions(self.file)} if self.file.is_file() else set()
        return [
            "auto" if places.get(place) == "accept" and place in self._automatic - by_hand else places.get(place) for place in self._places
        ]

    def rows(self) -> list[dict[str, Any]]:
        """The table, without samples."""
        return [
            {
                "kind": row["kind"],
                "suggested": row["suggested"],
                "name": visible(with_letters(row["name"])),
                **{key: row[key] for key in NUMBERS},
                "new": row["pages"] - row["collected"],
            }
            for row in self._rows
        ]

    def samples(self, number: int) -> list[dict[str, Any]]:
        """Pages of a row; text with what a browser would hide made visible, addresses only where they may be opened."""
        return [
            {
                "url": visible(str(sample["url"])), "link": sample["url"] if is_safe_url(str(sample["url"])) else None,
                "title": visible(sample["title"]), "text": visible(sample["text"]), "score": sample["score"],
                "is_collected": sample["is_collected"],
            }
            for sample in self._rows[number]["samples"]
        ]  # fmt: skip

    def act(self, number: int, decision: str) -> None:
        """Take a decision on a row (`accept`, `reject` or `clear`) and write it."""
        place = self._places[number]
        before = self.decided().places.get(place)
        self._append(place, decision)
        self._undo.append((place, before))

    def undo(self) -> int | None:
        """Take the last act of this session back; returns its row, None if there is none."""
        if not self._undo:
            return None
        place, before = self._undo.pop()
        self._append(place, before or "clear")
        return self._places.index(place)

    def _append(self, place: Place, decision: str) -> None:
        line: dict[str, Any] = {"decision": decision, place.kind: str(place), "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        if self._by:
            line["by"] = self._by
        read_line(line)
        content = self.file.read_bytes() if self.file.is_file() else b""
        separator = b"" if not content or content.endswith(b"\n") else b"\n"
        write_bytes(self.file, content + separator + orjson.dumps(line) + b"\n")
