"""The same statistics for people, on a terminal."""

from __future__ import annotations

from typing import Any

from mathcode_data.inspect.histograms import bars, sparkline, spread_text
from mathcode_data.inspect.sampling import scope_text, short_count
from mathcode_data.inspect.tables import counters_table, human_bytes, mixture_table, table
from mathcode_data.inspect.training import checkpoint_text, training_text

NAMES = {"source": "source", "domain": "domain", "repository": "repository", "language": "language", "license": "licence"}
SPARK_POINTS = 40
MIN_SHARE = 0.2
"""Of documents that begin (or end) with one id, for that to be worth a line."""


def statistics_text(data: dict[str, Any]) -> str:
    """Text for what `statistics` found."""
    kind = data["kind"]
    if kind == "output":
        rows = [
            [
                r["id"], r["result"], r["documents"], r["tokens"] or None, human_bytes(r["bytes"]), " ".join(r["stages"]),
                "PARTIAL" if r["damage"] or r["quarantined"] else "",
            ]
            for r in data["results"]
        ]  # fmt: skip
        left = [f"not finished: {', '.join(data['unfinished'])}; run the pipeline again"] if data["unfinished"] else []
        return "\n\n".join([table(["result", "kind", "documents", "tokens", "size", "stages", ""], rows), *left])
    if kind == "checkpoint":
        return checkpoint_text(data["path"], data["checkpoint"])
    if kind == "training":
        return training_text(data)
    parts = _mixture_parts(data) if kind == "mixture" else _result_parts(data)
    if data.get("unknown"):
        parts.append("not known:\n" + "\n".join(f"  {line}" for line in data["unknown"]))
    return "\n\n".join(part for part in parts if part)


def _result_parts(data: dict[str, Any]) -> list[str]:
    parts = [data["path"]]
    if "fingerprint" in data:
        parts.append(f"{data['result']} of {', '.join(data['stages'])}; fingerprint {data['fingerprint']}")
        parts += _partial_parts(data)
        parts.append(counters_table(data["counters"]))
        parts += [dedup_lines(data["facts"])] if "cluster_sizes" in data["facts"] else []
    if "text_read" in data:
        parts += _document_parts(data)
    if "token_shards" in data:
        parts += _shard_parts(data)
    return parts


def dedup_lines(facts: dict[str, Any]) -> str:
    """Clusters by size, tokens kept and dropped, and how far the preset can be trusted."""
    parts = [table(["members", "clusters"], facts["cluster_sizes"])] if facts["cluster_sizes"] else []
    tokens = [f"{facts[f'tokens_{what}_estimated']:,} {what}" for what in ("kept", "dropped")]
    lines = [f"clusters: {facts['clusters']:,}, the largest of {facts['largest_cluster']:,}; tokens (estimated): {', '.join(tokens)}"]
    for how, found in facts.get("estimates", {}).items():
        if how != "similarity":
            lines.append(f"at Jaccard {facts['estimates']['similarity']} ({how}): " + ", ".join(f"{k} {v}" for k, v in found.items()))
    return "\n\n".join(["\n".join(lines), *parts])


def _partial_parts(data: dict[str, Any]) -> list[str]:
    """That a result is not whole is said first."""
    lines = [f"damaged input: {line}" for line in data["damage"]] + [f"set aside: {line}" for line in data["quarantined"]]
    return ["PARTIAL RESULT\n" + "\n".join(f"  {line}" for line in lines)] if lines else []


def _document_parts(data: dict[str, Any]) -> list[str]:
    parts = []
    if data["characters"]:
        scope = data["text_read"]
        parts.append(
            f"text: {scope_text(scope)}\n" + spread_text("characters per document", data["characters"], with_sum=not scope["is_sample"])
        )
        parts.append(bars("characters", data["length_histogram"]))
    if data["columns_read"]["is_sample"]:
        parts.append(f"columns: {scope_text(data['columns_read'])}")
    parts += [bars(name, histogram) for name, histogram in data["scores"].items()]
    return parts + groups_parts(data["groups"], "characters")


def groups_parts(groups: dict[str, Any], weight: str) -> list[str]:
    """A table for each group of documents."""
    parts = []
    for name, group in groups.items():
        has_weight = weight in group
        rows: list[list[Any]] = [[row["name"], row["documents"], *([row[weight]] if has_weight else [])] for row in group["top"]]
        shown = {"documents": sum(row["documents"] for row in group["top"])}
        others = group["documents"] - group["without"] - shown["documents"]
        if others:
            rest = group["distinct"] - len(group["top"])
            rows.append([f"({rest:,} more)", others, *([None] if has_weight else [])])
        if group["without"]:
            rows.append(["(none)", group["without"], *([None] if has_weight else [])])
        parts.append(table([NAMES.get(name, name), "documents", *([weight] if has_weight else [])], rows))
    return parts


def _shard_parts(data: dict[str, Any]) -> list[str]:
    rows = [[row["name"], row["documents"], row["tokens"], row["dtype"], human_bytes(row["bytes"])] for row in data["token_shards"]]
    parts = [table(["shard", "documents", "tokens", "dtype", "size"], rows)]
    if data["document_tokens"]:
        scope = data["lengths_read"]
        head = f"lengths: {scope_text(scope)}\n" if scope["is_sample"] else ""
        parts.append(head + spread_text("tokens per document", data["document_tokens"], with_sum=not scope["is_sample"]))
    parts.append(bars("tokens", data["length_histogram"]))
    parts.append(f"tokens: {scope_text(data['tokens_read'])}\n" + "\n".join(f"  {line}" for line in token_lines(data)))
    return parts + groups_parts(data["groups"], "tokens")


def token_lines(data: dict[str, Any]) -> list[str]:
    """Vocabulary, fertility, special ids and repeats, a line each."""
    vocabulary, special, fertility = data["vocabulary"], data["special_ids"], data["fertility"]
    least = "at least " if data["tokens_read"]["is_sample"] else ""
    lines = []
    if vocabulary["vocab_size"]:
        lines.append(
            f"vocabulary: {least}{vocabulary['ids_used']:,} of {vocabulary['vocab_size']:,} ids occur ({vocabulary['coverage']:.1%})"
        )
    else:
        lines.append(f"vocabulary: {least}{vocabulary['ids_used']:,} ids occur; its size is not known")
    if vocabulary["ids_out_of_range"]:
        lines.append(
            f"ids beyond the vocabulary: {vocabulary['ids_out_of_range']:,}; the shards are of another tokenizer or damaged, run verify"
        )
    if vocabulary["share_of_top"]:
        lines.append(
            "  share of the most frequent ids: "
            + ", ".join(f"{int(top):,}: {share:.1%}" for top, share in vocabulary["share_of_top"].items())
        )
    if fertility["bytes_per_token"] is not None:
        spread = fertility["by_document"]
        between = f"; p10 {spread['p10']:.2f}, p50 {spread['p50']:.2f}, p90 {spread['p90']:.2f} by document" if spread else ""
        lines.append(f"fertility: {fertility['bytes_per_token']:.3f} bytes per token ({fertility['from']}){between}")
    for place in special["ids"]:
        where = ", ".join(f"{place[key]:,} {key.replace('_', ' ')}" for key in ("at_start", "at_end", "inside") if place[key])
        lines.append(f"special id {place['id']} {place['name']}: {where or 'does not occur'}")
    if special["documents_with_special_inside"]:
        first = special["examples"][0]
        count = special["documents_with_special_inside"]
        lines.append(f"documents with a special id inside: {count:,}, such as document {first['document']:,} of {first['shard']}")
    if not special["ids"]:
        for key, word in (("first_id", "begin"), ("last_id", "end")):
            if key in special and special[key]["share"] >= MIN_SHARE:
                lines.append(f"documents {word} most often with id {special[key]['id']} ({special[key]['share']:.1%})")
    repeats = data["repeated_beginnings"]
    found = f"{repeats['repeated']:,} of {repeats['kept']:,} repeat an earlier one ({repeats['repeated_share']:.2%})"
    lines.append(f"beginnings of {repeats['beginning_tokens']} tokens: {found}")
    if data["empty_documents"]:
        lines.append(f"documents without tokens: {data['empty_documents']:,}")
    return lines


def _mixture_parts(data: dict[str, Any]) -> list[str]:
    info = data["mixture"]
    parts = [f"{mixture_table(info)}\n{info['rounding']}"]
    rows = [
        [row["name"], row["tokens_held"], row["tokens_asked"], row["tokens"], row["epochs"], row["max_epochs"], row["unique_tokens"],
         row["repeated_tokens"], row["replayed_tokens"], row["holdout_tokens"]] for row in data["sources"]
    ]  # fmt: skip
    epochs = "epochs with replays" if any(row["replayed_tokens"] for row in data["sources"]) else "epochs"
    heads = ["source", "tokens held", "asked", "trained", epochs, "max", "unique at least", "repeated", "replayed", "held out"]
    parts.append(table(heads, rows))
    share = data["prefix_share"]
    picked = [round(k * (len(share["positions"]) - 1) / (SPARK_POINTS - 1)) for k in range(SPARK_POINTS)]
    lines = [
        [name, sparkline_of_shares([values[k] for k in picked]), f"{values[0]:.1%}", f"{values[-1]:.1%}"]
        for name, values in share["shares"].items()
    ]
    parts.append(table([f"share of the samples so far ({share['how']})", "", "first", "all"], lines))
    if data["repeated_windows"]:
        every = data["repeated_windows"]["all"]
        rows = [[name, scope_text(row["windows_read"], "windows"), row["repeated"], f"{row['repeated_share']:.2%}"]
                for name, row in [*data["repeated_windows"]["by_source"].items(), ("all together", every)]]  # fmt: skip
        parts.append(table(["windows of equal content", "read", "repeat another", "share"], rows))
    for name, groups in data["groups"].items():
        scope = data["groups_read"][name]
        if groups:
            parts.append(f"documents of source {name}: {scope_text(scope)}\n\n" + "\n\n".join(groups_parts(groups, "tokens")))
    return parts


def sparkline_of_shares(shares: list[float]) -> str:
    """A sparkline whose full height is 1, not the largest value."""
    return sparkline([*shares, 1.0])[:-1]


def total_text(tokens: int) -> str:
    """A count of tokens in words."""
    return f"{short_count(tokens)} tokens"
