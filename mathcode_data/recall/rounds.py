"""The stages of the rounds, as items of one growing pipeline, and the loop that runs them.

A round has five results: `round-N-model`, `-scored`, `-domains`, `-added` (what joins the seed) and `-recalled`. The engine
names each by its causes, so that finished rounds are never made again, a killed round goes on, and a changed decision remakes
what comes after it and nothing before. The model enters its round under its sha256: where training is not repeatable, another
model still gives the scores another name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mathcode_data.core.config import ResultRef
from mathcode_data.core.yaml_file import Location
from mathcode_data.recall.config import Recall
from mathcode_data.recall.limited import scaled_to_pages
from mathcode_data.recall.report import Round, has_report, measure, result_of, with_decisions, write_round
from mathcode_data.runtime.driver import RunSettings
from mathcode_data.runtime.graph import Graph, find_node
from mathcode_data.runtime.pipeline import Pipeline, parse_pipeline
from mathcode_data.runtime.update import NodeReport, update
from mathcode_data.stages.select.domains_decisions import decide_files

Item = dict[str, Any]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """How far the rounds came."""

    state: str
    """converged, max_rounds, nothing_new or review."""
    rounds: list[Round]
    reports: list[NodeReport]
    domains: Path | None = None
    """The result to review, where the state is review."""
    decisions: Path | None = None
    """The file that the review writes."""


def run_rounds(recall: Recall, settings: RunSettings, say: Say) -> Outcome:
    """Bring the rounds up to date, one after the other, until one of the ends is reached.

    Raises:
        ConfigError, DataError and so on: as the stages say.
    """
    models: list[str] = []
    rounds: list[Round] = []
    reports: dict[Path, NodeReport] = {}
    if recall.limit is not None:
        recall, made, line = scaled_to_pages(recall, pipeline_of(recall, [], 1), settings)
        reports |= {report.node.folder: report for report in made}
        if line:
            say(line)

    def make(number: int, *names: str) -> None:
        for report in _bring_up_to_date(recall, models, number, [_id(number, name) for name in names], settings):
            if not report.was_fresh or report.node.folder not in reports:
                reports[report.node.folder] = report

    for number in range(1, recall.config.max_rounds + 1):
        make(number, "model")
        models.append(str(result_of(recall, number, "model").manifest.facts["sha256"]))
        make(number, "recalled", "domains")
        found = measure(recall, number, rounds[-1] if rounds else None)
        state = _end(recall, number, found)
        if state or not has_report(recall, number):
            write_round(recall, found)
        rounds.append(found)
        say(found.line())
        if state == "review":
            place = result_of(recall, number, "domains").folder
            return Outcome(state, rounds, list(reports.values()), place, recall.decisions_file(number))
        if not state:
            make(number, "added")
            rounds[-1] = found = with_decisions(recall, found)
            write_round(recall, found)
            if found.data["decisions"]["unmatched"]:
                say(found.warning())
            state = "" if result_of(recall, number, "added").manifest.num_rows else "nothing_new"
        if state:
            return Outcome(state, rounds, list(reports.values()))
    raise AssertionError("the last round has an end")


def _end(recall: Recall, number: int, found: Round) -> str:
    """Why the rounds end here; empty where they go on."""
    new = found.data["new_share"]
    if new is not None and new < recall.config.stop_below:
        return "converged"
    if number == recall.config.max_rounds:
        return "max_rounds"
    is_automatic = recall.config.domains.get("auto_accept") is not None
    is_decided = recall.decisions_file(number).is_file()
    return "" if is_automatic or is_decided or not found.data["num_candidates"] else "review"


def _id(number: int, what: str) -> str:
    return f"round-{number}-{what}"


def _bring_up_to_date(recall: Recall, models: list[str], number: int, ids: list[str], settings: RunSettings) -> list[NodeReport]:
    with settings.interrupt.at_once():
        pipeline = pipeline_of(recall, models, number)
        graph = Graph(recall.limit)
        nodes = graph.add(pipeline)
    return update([find_node(nodes, name, str(recall.file.path)) for name in ids], graph, settings)


def pipeline_of(recall: Recall, models: list[str], number: int) -> Pipeline:
    """The pipeline of the rounds up to `number`; `models` are the sha256 of the models that are there."""
    file = recall.file
    items: list[Item] = list(file.data["stages"])
    marks = dict(file.marks)
    for round_number in range(1, number + 1):
        has_model = round_number <= len(models)
        for item, section in _items(recall, round_number, models[round_number - 1] if has_model else None):
            plugin = next(key for key in item if key not in ("id", "from"))
            location: Location = ("stages", len(items), plugin)
            marks |= {(*location, *way[2:]): mark for way, mark in file.marks.items() if way[:2] == ("recall", section)}
            items.append(item)
    data = {key: value for key, value in file.data.items() if key != "recall"} | {"stages": items}
    return parse_pipeline(replace(file, data=data, marks=marks), recall.limit)


def _items(recall: Recall, number: int, model: str | None) -> list[tuple[Item, str]]:
    """The stages of one round, each with the section of the file that its settings come from."""
    config = recall.config
    before = range(1, number)
    added = [{"stage": _id(earlier, "added")} for earlier in before]
    hard = list(config.learn.get("hard_negatives", []))
    if config.new_negatives == "rejected":
        hard += [{"result": {"stage": _id(earlier, "rejected")}} for earlier in before if _has_decisions(recall, earlier)]
    learn = {
        **config.learn, "positives": [*map(_written, config.seed), *added], "negatives": [*map(_written, config.negatives)],
        "hard_negatives": hard,
    }  # fmt: skip
    items: list[tuple[Item, str]] = [({"id": _id(number, "model"), "from": [], "learn.fasttext": learn}, "learn")]
    if model is None:
        return items
    score = {"model": {"path": str(recall.output / _id(number, "model") / "model.bin"), "sha256": model}, "label": recall.positive_label}
    score |= {key: config.learn[key] for key in ("text", "max_characters") if key in config.learn}
    tokens = max(1, round(config.tokens[min(number, len(config.tokens)) - 1] * recall.token_share))
    scored, recalled = _id(number, "scored"), {"stage": _id(number, "recalled")}
    items += [
        ({"id": scored, "from": _from(config.pages), "score.fasttext": score | {"column": recall.column}}, "learn"),
        ({"id": _id(number, "domains"), "from": scored, "learn.domains": {**config.domains, "collected": recalled}}, "domains"),
    ]
    if _may_go_on(recall, number):
        decided = {"domains": [{"stage": _id(earlier, "domains")} for earlier in range(1, number + 1)], "decisions": _files(recall, number)}
        items.append(({"id": _id(number, "added"), "from": scored, "select.domains": {**decided, "collected": recalled}}, "decisions"))
        if config.new_negatives == "rejected" and _has_decisions(recall, number):
            items.append(({"id": _id(number, "rejected"), "from": scored, "select.domains": {**decided, "take": "reject"}}, "decisions"))
    top = {**config.select, "column": recall.column, "tokens": tokens}
    items.append(({"id": _id(number, "recalled"), "from": scored, "select.top_tokens": top}, "select"))
    return items


def _may_go_on(recall: Recall, number: int) -> bool:
    return number < recall.config.max_rounds


def _has_decisions(recall: Recall, number: int) -> bool:
    return bool(_files(recall, number))


def _files(recall: Recall, number: int) -> list[str]:
    """Decisions files of the rounds up to this one, in order; a wrong line is an error before any work."""
    found = [recall.decisions_file(earlier) for earlier in range(1, number + 1)]
    files = [path for path in found if path.is_file()]
    decide_files(files)
    return [str(path) for path in files]


def _written(reference: ResultRef) -> dict[str, Any]:
    return reference.model_dump(exclude_none=True)


def _from(reference: ResultRef) -> Any:
    if reference.stage is not None and reference.pipeline is None:
        return reference.stage
    return [_written(reference)]
