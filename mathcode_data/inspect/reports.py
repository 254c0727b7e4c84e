"""What `inspect` gives: statistics as data and text, a report in HTML, a data card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.storage import write_bytes
from mathcode_data.inspect.card import data_card
from mathcode_data.inspect.html_report import write_report
from mathcode_data.inspect.sampling import Look
from mathcode_data.inspect.statistics import statistics
from mathcode_data.inspect.statistics_text import statistics_text


@dataclass(frozen=True)
class Report:
    """What is to be shown."""

    data: dict[str, Any]
    text: str
    messages: list[str]


def make_reports(path: Path, look: Look, *, html: Path | None, card: bool, card_file: Path | None) -> Report:
    """Look at a path, and write what was asked for.

    Raises:
        ConfigError: nothing is there, there is no such report of it, or a file to write is a folder.
    """
    data = statistics(path, look)
    messages = []
    if html is not None:
        write_report(path, data, look, html)
        messages.append(f"wrote {html}")
        data = data | {"html": str(html)}
    if not card:
        return Report(data, "" if html is not None else statistics_text(data), messages)
    text = data_card(path, data)
    if card_file is None:
        return Report(data | {"card": text}, text, messages)
    if card_file.is_dir():
        raise ConfigError(f"{card_file}: is a folder; name a file, such as {card_file / 'README.md'}")
    write_bytes(card_file, text.encode("utf-8", "replace"))
    return Report(data | {"card_file": str(card_file)}, "", [*messages, f"wrote {card_file}"])
