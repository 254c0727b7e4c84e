"""The main content of pages as people marked it, and how well an extracted text agrees with it."""

from __future__ import annotations

import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import zstandard

SETS = ("defuddle_fixtures", "llm_webkit_fixtures", "trafilatura_eval", "wcxb_dev")
MIN_TOKENS = 10  # some pages have an icon or nothing as their main content
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+")
_FRONT = re.compile(r"\A```json.*?```\s*", re.S)
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]\[]*)\]\((?:[^()]|\([^()]*\))*\)")


class _Text(HTMLParser):
    """All text of a piece of markup that a reader sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unread += tag in ("script", "style", "svg")

    def handle_endtag(self, tag: str) -> None:
        self.unread = max(0, self.unread - (tag in ("script", "style", "svg")))

    def handle_data(self, data: str) -> None:
        if not self.unread:
            self.pieces.append(data)


def read_gold(folder: Path, name: str) -> dict[str, dict[str, Any]]:
    """The annotations of a set by the id of the page."""
    raw = (folder / f"{name}.gold.jsonl.zst").open("rb")
    lines = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(raw).read().decode().strip("\n").split("\n")
    return {row["id"]: row for row in map(json.loads, lines)}


def gold_text(name: str, row: dict[str, Any]) -> str:
    """The whole main content; "" in the set that has snippets instead."""
    if name == "defuddle_fixtures":
        return _LINK.sub(r"\1", _IMAGE.sub("", _FRONT.sub("", row["expected_md"])))
    if name == "llm_webkit_fixtures":
        reader = _Text()
        reader.feed(row["main_html"])
        return " ".join(reader.pieces)
    return row.get("main_content") or ""


def tokens(text: str) -> Counter[str]:
    """Words in lower case, and East Asian characters one by one."""
    return Counter(_TOKEN.findall(text.lower()))


def token_f1(text: str, gold: str) -> float:
    """F1 of the bags of tokens."""
    ours, theirs = tokens(text), tokens(gold)
    total = ours.total() + theirs.total()
    return 2 * (ours & theirs).total() / total if total else 1.0


def snippet_counts(text: str, row: dict[str, Any]) -> tuple[int, int, int]:
    """Snippets of the main content that are in the text, those that are missing, and snippets of other parts that are in it."""
    flat = " ".join(text.split())
    inside = [" ".join(piece.split()) in flat for piece in row["with"]]
    outside = [" ".join(piece.split()) in flat for piece in row["without"]]
    return sum(inside), len(inside) - sum(inside), sum(outside)
