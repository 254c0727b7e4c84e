"""A data card in Markdown: what a mixture or result holds, where it comes from, what was dropped, how to make it again."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import orjson

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.manifest import Result
from mathcode_data.inspect.lineage import Lineage, lineages, pipeline_name
from mathcode_data.inspect.markdown import Written, block, bullet_list, code, escaped, markdown_table
from mathcode_data.inspect.sampling import scope_text

DECONTAMINATION = "decontaminate."
HITS = "hits "
CARDS_OF = "documents, token shards, outputs of pipelines and mixtures have one"


def data_card(path: Path, data: dict[str, Any]) -> str:
    """The card of what `statistics` found at a path.

    Raises:
        ConfigError: a path of this kind has no card.
    """
    if data["kind"] in ("checkpoint", "training"):
        raise ConfigError(f"{path}: a {data['kind']} has no data card; {CARDS_OF}")
    found = lineages(path, data)
    parts = [f"# Data card: {escaped(_title(path, data))}", _summary(data)]
    for title, body in (
        ("Mixture", _mixture(data)),
        ("Sources", _sources(data)),
        ("Licences", _licences(data)),
        ("Filters", _filters(found)),
        ("Contamination", _contamination(found)),
        ("How to rebuild", _rebuild(path, data, found)),
        ("What is not known", _unknown(data, found)),
    ):
        if body:
            parts.append(f"## {title}\n\n{body}")
    return "\n\n".join(parts) + "\n"


def _title(path: Path, data: dict[str, Any]) -> str:
    return str(data["mixture"]["name"]) if data["kind"] == "mixture" else path.name or str(path)


def _summary(data: dict[str, Any]) -> str:
    if data["kind"] == "mixture":
        info = data["mixture"]
        tokens = sum(stage["num_samples"] for stage in info["stages"]) * info["sequence_length"]
        tokenizer = f"tokenizer sha256 {code(info['tokenizer']['sha256'])}" if info.get("tokenizer") else "tokenizer not known"
        return (
            f"A mixture of {len(info['sources'])} sources for {tokens:,} tokens of training, in samples of {info['sequence_length']:,} "
            f"tokens; {tokenizer}. Fingerprint {code(info['fingerprint'])}."
        )
    if data["kind"] == "output":
        return f"The output of a pipeline: {len(data['results'])} results."
    mark = f" Fingerprint {code(data['fingerprint'])}." if "fingerprint" in data else ""
    tokens = f", {data['tokens']:,} tokens" if data.get("tokens") else ""
    documents = f"{data['documents']:,} documents{tokens}" if "documents" in data else ""
    return f"{data.get('result', 'token shards').capitalize()}: {documents}.{mark}"


def _mixture(data: dict[str, Any]) -> str:
    if data["kind"] != "mixture":
        return ""
    info = data["mixture"]
    stages = []
    for stage in info["stages"]:
        for name in (source["name"] for source in info["sources"] if source["name"] in stage["sources"]):
            part = stage["sources"][name]
            stages.append([stage["name"], name, part["tokens_asked"], part["tokens"], part["num_samples"], part["epochs"]])
    rows = [
        [row["name"], row["tokens_held"], row["tokens"], row["epochs"], row["max_epochs"], row["unique_tokens"], row["repeated_tokens"],
         row["replayed_tokens"], row["holdout_tokens"]] for row in data["sources"]
    ]  # fmt: skip
    notes = [
        f"Order {code(info['blend'])}, packing {code(info['packing'])}, across stages {code(info['across_stages'])}, seed {info['seed']}.",
        f"Rounding: {escaped(info['rounding'])}.",
        "Unique tokens are a lower bound where stages draw a source independently of each other.",
    ]
    heads = ["source", "tokens held", "trained", "epochs with replays", "at most", "unique", "repeated", "replayed", "held out"]
    budgets = markdown_table(["stage", "source", "tokens asked", "tokens got", "samples", "epochs"], stages)
    return f"{budgets}\n\n{markdown_table(heads, rows)}\n\n{bullet_list(notes)}"


def _grouped(data: dict[str, Any]) -> list[tuple[str, dict[str, Any], dict[str, Any] | None]]:
    """(source, groups, how much was read) of each source, or of the result itself."""
    if data["kind"] == "mixture":
        return [(name, groups, data["groups_read"][name]) for name, groups in data["groups"].items()]
    return [("", data["groups"], data.get("groups_read") or data.get("columns_read"))] if data.get("groups") else []


def _sources(data: dict[str, Any]) -> str:
    """Domains, repositories and languages."""
    parts = []
    for source, groups, read in _grouped(data):
        for name, title in (("source", "source"), ("domain", "domain"), ("repository", "repository"), ("language", "language")):
            if name in groups:
                parts.append(_group_table(title, groups[name]))
        if source and len(parts):
            first = len(parts) - sum(name in groups for name in ("source", "domain", "repository", "language"))
            scope = f" ({scope_text(read)})" if read else ""
            parts.insert(first, f"### {escaped(source)}{scope}")
    return "\n\n".join(parts)


def _group_table(title: str, group: dict[str, Any]) -> str:
    weight = next((name for name in ("tokens", "characters") if name in group), None)
    rows: list[list[Any]] = [[row["name"], row["documents"], *([row[weight]] if weight else [])] for row in group["top"]]
    others = group["documents"] - group["without"] - sum(row["documents"] for row in group["top"])
    if others:
        rows.append([f"({group['distinct'] - len(group['top']):,} more)", others, *([None] if weight else [])])
    if group["without"]:
        rows.append(["(none)", group["without"], *([None] if weight else [])])
    return markdown_table([title, "documents", *([weight] if weight else [])], rows)


def _licences(data: dict[str, Any]) -> str:
    parts = []
    for source, groups, _ in _grouped(data):
        head = f"### {escaped(source)}\n\n" if source else ""
        if "license" in groups:
            parts.append(head + _group_table("licence", groups["license"]))
        elif groups:
            parts.append(f"{head}No document names a licence: assume that all rights are reserved unless the pages say otherwise.")
    return "\n\n".join(parts)


def _each_result(found: list[Lineage]) -> list[tuple[Result, list[str]]]:
    """Every result once, in order, with the sources that come from it."""
    users: dict[Path, list[str]] = {}
    results: dict[Path, Result] = {}
    for lineage in found:
        for result in lineage.results:
            results.setdefault(result.folder.absolute(), result)
            users.setdefault(result.folder.absolute(), []).append(lineage.name)
    return [(result, users[folder]) for folder, result in results.items()]


def _filters(found: list[Lineage]) -> str:
    """What the documents passed, then what models and tokenizers were learned from."""
    flow: list[list[Any]] = []
    learned: list[list[Any]] = []
    for result, users in _each_result(found):
        folder = result.folder.absolute()
        passed = [lineage.name for lineage in found if folder in lineage.flow]
        for stage in result.manifest.counters:
            dropped = ", ".join(f"{reason} {number:,}" for reason, number in sorted(stage.dropped.items(), key=lambda item: -item[1]))
            counts = [result.folder.name, stage.stage, stage.read, stage.kept, dropped or "–"]
            (flow if passed else learned).append([", ".join(passed or users), *counts])
    heads = ["for", "result", "stage", "read", "kept", "dropped, by reason"]
    parts = []
    if flow:
        parts.append("From first to last; each stage's own counts, read = kept + dropped.\n\n" + markdown_table(heads, flow))
    if learned:
        parts.append("Documents that models and tokenizers were learned from:\n\n" + markdown_table(heads, learned))
    return "\n\n".join(parts)


def _contamination(found: list[Lineage]) -> str:
    """Benchmarks, documents with matches, what was removed; and which source has no such stage."""
    parts = []
    for lineage in found:
        head = f"### {escaped(lineage.name)}\n\n" if len(found) > 1 else ""
        passed = [result for result in lineage.results if result.folder.absolute() in lineage.flow]
        bodies = [_one_stage(result, number) for result in passed for number in _decontaminations(result)]
        if not bodies and lineage.results:
            bodies = ["**No decontamination stage** is among the manifests found, so benchmarks may be in it."]
        elif not bodies:
            bodies = ["Not known."]
        parts.append(head + "\n\n".join(bodies))
    return "\n\n".join(parts)


def _decontaminations(result: Result) -> list[int]:
    return [number for number, stage in enumerate(result.manifest.counters) if stage.stage.startswith(DECONTAMINATION)]


def _one_stage(result: Result, number: int) -> str:
    counters = result.manifest.counters[number]
    configs = [stage.get("config", {}) for stage in result.manifest.stages if stage.get("name") == counters.stage]
    config = configs[0] if configs else {}
    facts = counters.facts
    hits = {name.removeprefix(HITS): count for name, count in facts.items() if name.startswith(HITS)}
    names = [str(name) for name in config.get("benchmarks", [])]
    short = {name: name.rpartition("/")[2] for name in names}
    folders = [name for name in names if name not in hits and short[name] not in hits and not Path(name).suffix]
    rows = [[name, hits.get(name, hits.get(short[name], 0))] for name in names if name not in folders]
    rows += [[name, count] for name, count in sorted(hits.items()) if name not in names and name not in short.values()]
    lines = [
        f"Stage {code(counters.stage)} of {code(result.folder.name)}, {config.get('ngram', '?')}-grams, granularity "
        f"{code(str(config.get('granularity', '?')))}: {counters.read:,} documents read.",
        f"Documents dropped: {sum(counters.dropped.values()):,}"
        + "".join(f"; {escaped(k)} {v:,}" for k, v in counters.dropped.items())
        + ".",
        f"Documents changed: {facts.get('documents_changed', 0):,}; segments removed: {facts.get('segments_removed', 0):,}; characters "
        f"removed: {facts.get('characters_removed', 0):,}; matches let pass by guards: {facts.get('guarded_matches', 0):,}.",
    ]
    if folders:
        lines.append(f"Benchmarks: all files of {', '.join(map(code, folders))}; those that are not in the table matched no document.")
    table = "\n\n" + markdown_table(["benchmark", "documents with a match"], rows) if rows else ""
    return bullet_list(lines) + table


def _rebuild(path: Path, data: dict[str, Any], found: list[Lineage]) -> str:
    each = _each_result(found)
    pipelines = dict.fromkeys(name for result, _ in each if (name := pipeline_name(result)))
    commands = [f"mathcode-data run {name}.yaml        # the pipeline called {name}" for name in pipelines]
    if data["kind"] == "mixture":
        commands.append(_build_command(path, data["mixture"]))
    commands.append(f"mathcode-data verify {path} --full")
    parts = [block("\n".join(commands), "sh")]
    if each:
        rows = [[result.folder.name, result.manifest.kind, Written(code(result.fingerprint))] for result, _ in each]
        parts.append("The same causes give the same fingerprints:\n\n" + markdown_table(["result", "kind", "fingerprint"], rows))
        lines = []
        for result, _ in each:
            for stage in result.manifest.stages:
                settings = orjson.dumps(stage.get("config", {}), option=orjson.OPT_SORT_KEYS).decode()
                lines.append(f"{result.folder.name}: {stage['name']} version {stage.get('version', '?')} {settings}")
        parts.append("Stages with their settings:\n\n" + block("\n".join(lines)))
    parts += _versions(data, each)
    return "\n\n".join(parts)


def _build_command(folder: Path, info: dict[str, Any]) -> str:
    """The command that built a mixture, as far as it says so itself."""
    origin = info.get("made_by", {}).get("origin")
    if origin is None:
        return f"mathcode-data build-mixture {info['name']}.yaml --output {folder}        # the recipe called {info['name']}"
    words = ["mathcode-data", "build-mixture", os.path.normpath(folder / origin["file"])]
    for override in origin.get("overrides", ()):
        words += ["--set", override]
    if "continue_from" in origin:
        words += ["--continue-from", os.path.normpath(folder / origin["continue_from"]), "--consumed", str(origin["consumed"])]
    return shlex.join([*words, "--output", str(folder)])


def _versions(data: dict[str, Any], each: list[tuple[Result, list[str]]]) -> list[str]:
    """What it was made by; several lines where the parts were made by different versions."""
    makers = [result.manifest.made_by for result, _ in each] + ([data["mixture"].get("made_by", {})] if data["kind"] == "mixture" else [])
    lines = [
        ", ".join(f"{name} {version}" for name, version in maker.items() if name not in ("host", "origin") and version) for maker in makers
    ]
    return ["Made by:\n\n" + bullet_list([escaped(line) for line in dict.fromkeys(lines)])] if any(lines) else []


def _unknown(data: dict[str, Any], found: list[Lineage]) -> str:
    lines = [escaped(line) for line in data.get("unknown", [])]
    for lineage in found:
        if lineage.problem and data["kind"] != "shards":
            lines.append(f"{escaped(lineage.name)}: {escaped(lineage.problem)}.")
        for result, record in lineage.missing:
            mark = f"(fingerprint {code(record.fingerprint)})"
            if record.name.endswith(" files"):
                lines.append(
                    f"{escaped(result)} read {escaped(record.name)} {mark}: who wrote them and under which terms stands in no manifest."
                )
            else:
                lines.append(f"{escaped(result)} was made of {escaped(record.name)} {mark}, whose manifest is not beside it.")
        for result_ in lineage.results:
            lines += [f"{escaped(result_.folder.name)}: damaged input: {escaped(line)}" for line in result_.manifest.damage]
            lines += [f"{escaped(result_.folder.name)}: set aside: {escaped(line)}" for line in result_.manifest.quarantined]
    return bullet_list(list(dict.fromkeys(lines)))
