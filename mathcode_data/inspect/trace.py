"""Samples of a mixture back to their documents, with the verdict of every stage that scored or selected them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mathcode_data.core.errors import ConfigError, MathcodeError
from mathcode_data.core.manifest import Result
from mathcode_data.inspect.find import Wanted, ancestors_of, find_in_result
from mathcode_data.inspect.tables import table
from mathcode_data.inspect.verdicts import shown_columns, steps_of
from mathcode_data.mixture.trace import trace_sample
from mathcode_data.shards.resolve import token_result

MAX_RANGE = 1000
MAX_ROWS_UNASKED = 20_000_000
"""Rows of the results before up to which verdicts are looked up without being asked for (some 10 s)."""
RANGE = re.compile(r"([0-9]+)(?:[-:]([0-9]+))?")
COLUMNS = ("doc_id", "url", "warc_file", "warc_offset", "repository", "path", "license")


def parse_range(text: str) -> range:
    """Sample numbers as they are written on the command line: `17`, or `17-20` (both belong to it).

    Raises:
        ConfigError: no number, an empty range, or more than a thousand samples.

    >>> parse_range("17"), parse_range("17-20")
    (range(17, 18), range(17, 21))
    """
    match = RANGE.fullmatch(text.strip())
    if match is None:
        raise ConfigError(f"--sample {text}: write a sample number, or a range as 17-20")
    first, last = int(match[1]), int(match[2] or match[1])
    if not first <= last < first + MAX_RANGE:
        raise ConfigError(f"--sample {text}: a range goes upwards and has at most {MAX_RANGE:,} samples")
    return range(first, last + 1)


def trace(folder: Path, positions: range, *, verdicts: bool | None = None) -> list[dict[str, Any]]:
    """Trace samples, and add to each document what the stages before said of it.

    Args:
        folder: of the mixture.
        positions: of the samples.
        verdicts: look the documents up in all results before; None: only where these hold few enough rows for seconds.

    Returns:
        What `trace_sample` gives for each; documents of our results have `verdicts` as well (`{"result", "stage", "verdict", "why"}`
        for each stage before), and the columns of the documents' results that tables of tokens do not hold (repository,
        language, scores).

    Raises:
        ConfigError: no such sample.
        StaleOutputError: a shard was written again since.
    """
    found = [trace_sample(folder, position) for position in positions]
    by_folder: dict[Path, dict[str, list[dict[str, Any]]]] = {}
    for sample in found:
        for document in sample["documents"]:
            if document.get("doc_id"):
                by_folder.setdefault(Path(sample["shard"]).parent, {}).setdefault(document["doc_id"], []).append(document)
    for shards, documents in by_folder.items():
        result = _result_of(shards)
        before = ancestors_of(result) if result is not None and verdicts is not False else []
        if verdicts or sum(one.manifest.num_rows for one in before) <= MAX_ROWS_UNASKED:
            _add_verdicts(before, documents)
    return found


def _result_of(folder: Path) -> Result | None:
    try:
        return token_result(folder)
    except MathcodeError:
        return None  # the shard was compared with the mixture; of its manifest only the way back is wanted


def _add_verdicts(ancestors: list[Result], documents: dict[str, list[dict[str, Any]]]) -> None:
    """Look the documents up in every result that their tokens come from, the first of them first, and put what it says into them."""
    wanted = Wanted(doc_ids=tuple(documents))
    for before in reversed(ancestors):
        if before.manifest.kind != "documents":
            continue
        for row in find_in_result(before, wanted):
            steps = [{"result": before.folder.name} | step for step in steps_of(before, row, None, "")]
            for document in documents[row["doc_id"]]:
                document.setdefault("verdicts", []).extend(step for step in steps if step not in document.get("verdicts", []))
                document |= {name: value for name, value in shown_columns(row).items() if name not in document}


def trace_text(samples: list[dict[str, Any]]) -> str:
    """The same for people: where the sample lies, its documents, and what was said of each."""
    return "\n\n".join(_sample_text(sample) for sample in samples)


def _sample_text(sample: dict[str, Any]) -> str:
    start, stop = sample["tokens"]
    head = (
        f"sample {sample['sample']:,}: stage {sample['stage']}, source {sample['source']}, draw {sample['draw']:,}, "
        f"epoch {sample['epoch']}, window {sample['window']:,}\n{sample['shard']}: tokens {start:,} to {stop:,}"
    )
    documents = sample["documents"]
    names = [name for name in COLUMNS if any(document.get(name) not in (None, "") for document in documents)]
    rows = [
        [document["document"], f"{document['in_sample'][0]}-{document['in_sample'][1]}", *(document.get(name) for name in names)]
        for document in documents
    ]
    parts = [head, table(["document", "in sample", *names], rows)]
    if not names:
        parts.append("no table of documents lies beside this shard, so where they came from is not known")
    steps = [(document["document"], step) for document in documents for step in document.get("verdicts", [])]
    if steps:
        parts.append("kept by " + ", ".join(dict.fromkeys(step["stage"] for _, step in steps)))
    said = [[number, step["result"], step["stage"], step["why"]] for number, step in steps if step["why"]]
    if said:
        parts.append(table(["document", "result", "stage", "verdict"], said))
    return "\n".join(parts)
