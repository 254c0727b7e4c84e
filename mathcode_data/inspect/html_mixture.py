"""The HTML report of a mixture: shares over training, stages, sources, origins, decoded samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathcode_data.inspect.decoded import ShownSample, shown_samples
from mathcode_data.inspect.html_parts import chart, decoded_text, group_tables, origin_line, unknown_section
from mathcode_data.inspect.markup import Percent, Raw, escape, figures, page, section, table
from mathcode_data.inspect.prefix_share import first_rows, mix_in_force, stage_totals
from mathcode_data.inspect.sampling import Look, scope_text, short_count
from mathcode_data.inspect.svg import MAX_SERIES, OTHER, Series, Strip, bar, legend, mix_chart, share_chart, strips_chart
from mathcode_data.inspect.tables import PACKING_COLUMNS, packing_rows
from mathcode_data.mixture.plan import Plan

FIRST_DRAWS = 110
PACKING_NOTE = "Best fit, in one epoch. Cut: documents longer than a sample. Trained: all tokens but the first of each document."
SOURCES_NOTE = "In tokens. Unique: of different windows, at least. Used: the share of what a source holds that is trained on at least once."
MAX_OPEN_ROWS = 16
"""A longer table of stages is folded."""


def mixture_page(folder: Path, data: dict[str, Any], look: Look) -> str:
    """The report of what `mixture_statistics` found."""
    info = data["mixture"]
    plan = Plan(info)
    colors = source_colors(data["sources"])
    samples, problems = shown_samples(folder, plan, look.tokenizer)
    groups = "".join(f"<h3>{escape(name)}</h3>{group_tables(found, 'tokens')}" for name, found in data["groups"].items() if found)
    how = f"order {info['blend']}, packing {info['packing']}, across stages {info['across_stages']}, seed {info['seed']}"
    share = data["prefix_share"]
    shown = [_sample(sample, colors) for sample in samples]
    all_of_them = "All documents of the sources' shards, whether the mixture draws them or not."
    repeats = data["repeated_windows"]
    body = "".join(
        [
            _figures(data["sources"], plan),
            section("Share of each source so far", _prefix_chart(share, plan, colors), note=_prefix_note(share)),
            section("Mix in force", _mix_chart(plan, colors), note="The shares that samples are drawn with at each point."),
            section("Stages", _strips(folder, plan, colors), _stage_table(info)),
            section("Sources", _source_table(data["sources"]), note=SOURCES_NOTE),
            section("Packing", table(PACKING_COLUMNS, packing_rows(info)), note=PACKING_NOTE) if packing_rows(info) else "",
            section("Windows of equal content", _repeats(repeats), note=_repeats_note(repeats)),
            section("Where the documents come from", groups, note=all_of_them),
            section("Samples", _legend_of_samples() if shown else "", *shown, note=_samples_note(samples)),
            unknown_section([*data["unknown"], *problems]),
        ]
    )
    footer = [f"mathcode-data trace {folder} --sample 0", f"mathcode-data verify {folder} --full", f"mathcode-data inspect {folder} --card"]
    return page("mixture", info["name"], f"{how} · fingerprint {info['fingerprint']}", body, footer)


def _figures(sources: list[dict[str, Any]], plan: Plan) -> str:
    unique, tokens = sum(row["unique_tokens"] for row in sources), sum(row["tokens"] for row in sources)
    pairs = [
        (short_count(tokens), "tokens trained"), (short_count(plan.num_samples), "samples"),
        (f"{plan.sequence_length:,}", "tokens per sample"), (f"{len(plan.sources):,}", "sources"),
        (f"{len(plan.stages):,}", "stages" if len(plan.stages) > 1 else "stage"),
        (f"{unique / tokens:.1%}" if tokens else "–", "unique tokens, at least"),
    ]  # fmt: skip
    return figures(pairs)


def source_colors(rows: list[dict[str, Any]]) -> dict[str, int]:
    """A colour for each source: the eight with most tokens have one each, the others share one."""
    order = sorted(rows, key=lambda row: -row["tokens"])
    own = order if len(order) <= MAX_SERIES else order[: MAX_SERIES - 1]
    named = {row["name"] for row in own}
    numbers = iter(range(MAX_SERIES))
    return {row["name"]: next(numbers) if row["name"] in named else OTHER for row in rows}


def _other_name(colors: dict[str, int]) -> str:
    return f"{sum(color == OTHER for color in colors.values())} others"


def _prefix_chart(share: dict[str, Any], plan: Plan, colors: dict[str, int]) -> str:
    series = [Series(name, color, share["shares"][name]) for name, color in colors.items() if color != OTHER]
    if len(series) < len(colors):
        rest = [sum(parts) for parts in zip(*(share["shares"][name] for name, color in colors.items() if color == OTHER), strict=True)]
        series.append(Series(_other_name(colors), OTHER, rest))
    length = plan.sequence_length
    xs = [position * length for position in share["positions"]]
    bands = [(stage.name, stage.first_sample * length, (stage.first_sample + stage.num_samples) * length) for stage in plan.stages]
    drawing = share_chart(series, xs, bands, "tokens trained", "Share of each source in the tokens trained so far")
    return f"<figure>{drawing}{legend([(entry.name, entry.color) for entry in series])}</figure>"


def _mix_chart(plan: Plan, colors: dict[str, int]) -> str:
    """How the mix changes, where it does within a stage; the bars of the stages say the rest."""
    if all(len(stage.segments) == 1 for stage in plan.stages):
        return ""
    mixes = mix_in_force(plan)
    named = list(enumerate(source.name for source in plan.sources))
    series = [Series(name, colors[name], [shares[k] for _, _, shares in mixes]) for k, name in named if colors[name] != OTHER]
    if len(series) < len(named):
        others = [sum(shares[k] for k, name in named if colors[name] == OTHER) for _, _, shares in mixes]
        series.append(Series(_other_name(colors), OTHER, others))
    runs = [(first * plan.sequence_length, stop * plan.sequence_length) for first, stop, _ in mixes]
    drawing = mix_chart(series, runs, "tokens trained", "Share of each source at each point")
    return f"<figure>{drawing}{legend([(entry.name, entry.color) for entry in series], filled=True)}</figure>"


def _prefix_note(share: dict[str, Any]) -> str:
    said = "What a run has seen of each source when it stops at a point, as a share of all tokens up to there"
    return f"{said}; the first 0.2 % are left out ({share['how']})."


def _strips(folder: Path, plan: Plan, colors: dict[str, int]) -> str:
    """Shares of each stage, and the sources of its first samples in order."""
    strips = []
    names = [source.name for source in plan.sources]
    for number, stage in enumerate(plan.stages):
        totals = stage_totals(plan, number)
        parts = [(names[source], colors[names[source]], total / stage.num_samples) for source, total in enumerate(totals) if total]
        own = sorted((part for part in parts if part[1] != OTHER), key=lambda part: -part[2])
        rest = sum(part[2] for part in parts if part[1] == OTHER)
        shown = [*own, *([(_other_name(colors), OTHER, rest)] if rest else [])]
        draws = [colors[names[source]] for source in first_rows(folder, plan, number, FIRST_DRAWS)]
        tokens = short_count(stage.num_samples * plan.sequence_length)
        strips.append(Strip(f"{stage.name}: {tokens} tokens in {short_count(stage.num_samples)} samples", shown, draws))
    return chart(
        strips_chart(strips, "Share of each source in each stage"),
        f"Each bar is a stage; the ticks below it are the sources of its first {FIRST_DRAWS} samples, in order.",
    )


def _stage_table(info: dict[str, Any]) -> str:
    """Asked and got, stage by stage, sources in the order of the file."""
    rows: list[list[Any]] = []
    for stage in info["stages"]:
        names = [source["name"] for source in info["sources"] if source["name"] in stage["sources"]]
        for number, name in enumerate(names):
            part = stage["sources"][name]
            head = stage["name"] if number == 0 else ""
            rows.append([head, name, part["tokens_asked"], part["tokens"], part["num_samples"], part["epochs"]])
    found = table(["stage", "source", "tokens asked", "tokens got", "samples", "epochs"], rows)
    if len(rows) > MAX_OPEN_ROWS:
        found = f"<details><summary>Asked and got, {len(rows)} rows</summary>{found}</details>"
    return f'{found}<p class="note">Rounding: {escape(info["rounding"])}.</p>'


def _source_table(sources: list[dict[str, Any]]) -> str:
    rows = []
    replays = any(row["replayed_tokens"] for row in sources)
    for row in sources:
        used = row["unique_tokens"] / row["tokens_held"] if row["tokens_held"] else 0.0
        rows.append(
            [row["name"], row["tokens_held"], row["tokens_asked"], row["tokens"], row["epochs"], row["max_epochs"], row["unique_tokens"],
             row["repeated_tokens"], *([row["replayed_tokens"]] if replays else []), row["holdout_tokens"],
             Percent(used), Raw(bar(used))]
        )  # fmt: skip
    epochs, replayed = ("epochs with replays", ["replayed"]) if replays else ("epochs", [])
    heads = ["source", "held", "asked", "got", epochs, "at most", "unique", "repeated", *replayed]
    return table([*heads, "held out", "used", ""], rows)


def _repeats(found: dict[str, Any]) -> str:
    if not found:
        return ""
    every = [*found["by_source"].items(), ("all together", found["all"])]
    rows = []
    for name, row in every:
        read = row["windows_read"]
        rows.append([name, read["read"], read["of"], row["repeated"], Percent(row["repeated_share"]), row["most_often"]])
    return table(["source", "windows read", "of", "repeat another", "share", "most often"], rows)


def _repeats_note(found: dict[str, Any]) -> str:
    if not found:
        return ""
    read = found["all"]["windows_read"]
    return f"{scope_text(read, 'windows')}." + (
        " In a sample two equal windows are seen only if both are in it." if read["is_sample"] else ""
    )


def _samples_note(samples: list[ShownSample]) -> str:
    return "Chosen by chance with a fixed seed, each source at least once." if samples else ""


def _legend_of_samples() -> str:
    return (
        '<p class="note"><span class="special">special id</span> an id that stands for no text, such as the end of a document (eod). '
        "A line stands where a document begins; neighbouring documents differ in ground.</p>"
    )


def _sample(sample: ShownSample, colors: dict[str, int]) -> str:
    origin = sample.origin
    color = colors.get(origin["source"], OTHER)
    anchor = f"sample{origin['sample']}"
    key = f'<svg class="key" viewBox="0 0 26 10" aria-hidden="true"><line class="line s{color}" x1="0" x2="26" y1="5" y2="5"/></svg>'
    begin, end = origin["tokens"]
    facts = [f"stage {origin['stage']}", *([f"replayed from stage {origin['replay']}"] if origin.get("replay") else [])]
    facts += [f"epoch {origin['epoch']}", f"window {origin['window']:,}", f"tokens {begin:,}–{end:,} of {Path(origin['shard']).name}"]
    documents = ""
    for number, document in enumerate(origin["documents"]):
        low, high = document["in_sample"]
        documents += f'<li>{origin_line(document)} <a class="soft" href="#{anchor}-{number}">tokens {low:,}–{high:,}</a></li>'
    return (
        f'<div class="sample"><h3 class="named">{key}sample {origin["sample"]:,} · {escape(origin["source"])}</h3>'
        f'<p class="note">{escape(" · ".join(facts))}</p><ol class="origin">{documents}</ol>{decoded_text(sample.decoded, anchor)}</div>'
    )
