"""What one whole dump of Common Crawl would cost: hours of cores, disk, requests and money, from the speeds measured here.

    python tests/bench/common_crawl_cost.py                    the table, as Markdown
    python tests/bench/common_crawl_cost.py --write            also tests/bench/results/common_crawl_cost.json
    python tests/bench/common_crawl_cost.py --core-hour 0.02   at another price

Every number is a constant of ASSUMED with its reason, a figure of a result file, or computed from those; the JSON names which.
The speeds are of one core of the machine that the result files name. Nothing of this was run at this size.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
NAME = "common_crawl_cost"
TB, GB, HOUR = 1e12, 1e9, 3600.0

ASSUMED: dict[str, tuple[float, str]] = {
    "warc_files": (90_000, "files of a main crawl, as its list of WARC paths (warc.paths.gz) has had for years"),
    "pages": (2.8e9, "records with a page; announcements of the crawls since 2023 say 2.3 to 3.5 billion"),
    "warc_bytes": (90 * TB, "compressed; the same announcements, 80 to 100 TB"),
    "recalled_share": (
        0.02,
        "of the texts that the classifier takes; DeepSeekMath ended with 35.5 M pages of some billions, so an upper side",
    ),
    "parquet_per_text_byte": (0.35, "as runtime/estimate.py: 2,318 pages of three public collections"),
    "bytes_per_token": (3.5, "as runtime/estimate.py, English with formulas"),
    "token_bytes": (4, "of an id of a vocabulary above 65,536 (.bin)"),
    "get_dollars_per_1000": (0.0004, "S3's list price of GET requests, us-east-1; Common Crawl's bucket itself asks for nothing"),
    "egress_dollars_per_gb": (0.0, "the bucket is public, and reading it in its own region (us-east-1) leaves no cloud"),
    "network_gbit_per_s": (10.0, "of the whole job, for the time that the bytes alone take"),
    "cores": (1_000, "for the days"),
    "dollars_per_tb_month": (23.0, "S3's list price of standard storage, us-east-1; what is written is held for a month"),
}


@dataclass(frozen=True)
class Row:
    """A stage of the plan."""

    stage: str
    what: str
    core_hours: float
    basis: str
    """Where the speed comes from: file and figure."""


def result(name: str) -> dict[str, Any]:
    """A result file."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def per_second(name: str, label: str) -> tuple[float, str]:
    """A measured speed, and where it stands."""
    (row,) = (row for row in result(name)["measurements"] if row["label"] == label)
    return float(row["per_second"]), f"{name}.json, {label}: {row['per_second']:,} {row['unit']}/s"


def plan(core_hour_dollars: float) -> dict[str, Any]:
    """All rows and sums, with their reasons."""
    value = {name: number for name, (number, _) in ASSUMED.items()}
    real = result("simulation")["facts"]["real_shards"]
    texts = value["pages"] * real["texts_per_page"]
    text_bytes = texts * real["text_bytes_per_text"]
    kept_bytes = text_bytes * value["recalled_share"]
    both, read = real["pages_per_s"], per_second("read_warc", "read.warc")
    rows = [
        Row("read.warc", "every page", value["pages"] / read[0] / HOUR, read[1]),
        Row("extract.html", "every page", value["pages"] * (1 / both - 1 / read[0]) / HOUR,
            f"simulation.json, real_shards: {both} pages/s with read.warc"),
    ]  # fmt: skip
    for stage, what, size, unit, name, label in (
        ("score.fasttext", "every text", text_bytes, 1e6, "score_paper", "score.fasttext"),
        ("dedup.minhash", "what was recalled", kept_bytes, 1.0, "minhash", "dedup.minhash sign"),
        ("decontaminate.ngram", "what was recalled", kept_bytes, 1.0, "decontaminate", "decontaminate.ngram"),
        ("tokenize", "what was recalled", kept_bytes, 1.0, "tokenize_deepseek_llm", "mathcode-data run"),
    ):
        speed, basis = per_second(name, label)
        rows.append(Row(stage, what, size / unit / speed / HOUR, basis))
    return _sums(rows, value, text_bytes, kept_bytes, core_hour_dollars)


def _sums(rows: list[Row], value: dict[str, float], text_bytes: float, kept_bytes: float, core_hour_dollars: float) -> dict[str, Any]:
    core_hours = sum(row.core_hours for row in rows)
    efficiency = result("simulation")["facts"]["1 % failures"]["efficiency"]
    requests = value["warc_files"]
    days, network_days = (
        core_hours / efficiency / value["cores"] / 24,
        value["warc_bytes"] * 8 / (value["network_gbit_per_s"] * 1e9) / HOUR / 24,
    )
    written = (
        text_bytes * value["parquet_per_text_byte"] * (1 + value["recalled_share"])
        + kept_bytes / value["bytes_per_token"] * value["token_bytes"]
    )
    money = {
        "cores": core_hours / efficiency * core_hour_dollars,
        "disk": written / TB * value["dollars_per_tb_month"],
        "requests": requests / 1000 * value["get_dollars_per_1000"],
        "egress": value["warc_bytes"] / GB * value["egress_dollars_per_gb"],
    }
    return {
        "name": NAME,
        "assumed": {name: {"value": number, "reason": reason} for name, (number, reason) in ASSUMED.items()},
        "core_hour_dollars": core_hour_dollars,
        "stages": [{"stage": row.stage, "of": row.what, "core_hours": round(row.core_hours), "basis": row.basis} for row in rows],
        "core_hours": round(core_hours),
        "efficiency": {"value": efficiency, "basis": "simulation.json, 1 % failures"},
        "days": round(days, 1),
        "network_days": round(network_days, 1),
        "requests": round(requests),
        "disk_TB": {
            "warc, if kept": round(value["warc_bytes"] / TB, 1),
            "every text (Parquet)": round(text_bytes * value["parquet_per_text_byte"] / TB, 1),
            "recalled (Parquet)": round(kept_bytes * value["parquet_per_text_byte"] / TB, 3),
            "token shards": round(kept_bytes / value["bytes_per_token"] * value["token_bytes"] / TB, 3),
        },
        "tokens_recalled_billions": round(kept_bytes / value["bytes_per_token"] / 1e9, 1),
        "dollars": {name: round(amount, 2) for name, amount in money.items()} | {"sum": round(sum(money.values()), 2)},
        "dollars_of_cores_held_until_the_last_byte": round(value["cores"] * 24 * max(days, network_days) * core_hour_dollars),
        "driver": _driver(requests),
    }


def _driver(num_tasks: float) -> dict[str, Any]:
    """What a task for each WARC file asks of the driver, on Ray."""
    engine = result("engine")
    measured = engine["facts"]["ours, ray"]
    whole = next(entry for entry in engine["measurements"] if entry["label"] == "ours, ray")
    return {
        "tasks": round(num_tasks), "tasks_per_s_of_cpu": round(whole["amount"] / measured["cpu_of_driver_process_s"]),
        "tasks_per_s_seen": round(whole["per_second"]), "seen_with": f"{whole['amount']:,} tasks, two workers, two cores in all",
        "memory_GB": round(num_tasks * measured["rss_bytes_per_task"] / GB, 2),
        "basis": "engine.json, ours, ray: cpu_of_driver_process_s, per_second, rss_bytes_per_task (memory is extrapolated)",
    }  # fmt: skip


def markdown(found: dict[str, Any]) -> str:
    """The table for README."""
    lines = ["| stage | of | core-hours | from |", "|---|---|--:|---|"]
    lines += [f"| {row['stage']} | {row['of']} | {row['core_hours']:,} | {row['basis']} |" for row in found["stages"]]
    disk, dollars, assumed, driver = found["disk_TB"], found["dollars"], found["assumed"], found["driver"]
    lines.append(f"| all | {assumed['pages']['value'] / 1e9:g} billion pages | {found['core_hours']:,} | |")
    words = [
        f"On {assumed['cores']['value']:,} cores {found['days']} days (efficiency {found['efficiency']['value']:.1%}, simulated), and at",
        f"{assumed['network_gbit_per_s']['value']:g} Gbit/s {found['network_days']} days for the bytes alone;",
        f"{found['requests']:,} requests; disk {disk['every text (Parquet)']} TB for every text, {disk['recalled (Parquet)']} TB for what",
        f"is recalled, {disk['token shards']} TB of token shards ({found['tokens_recalled_billions']} billion tokens);",
        f"{disk['warc, if kept']:g} TB more if the WARC files are kept. At ${found['core_hour_dollars']:g} per core-hour",
        f"${dollars['cores']:,.0f} for their work (${found['dollars_of_cores_held_until_the_last_byte']:,} if all are held until the last",
        f"byte is there), a month of disk ${dollars['disk']:,.0f}, requests ${dollars['requests']:.2f}, no egress in the bucket's own",
        f"region. The driver's CPU is enough for {driver['tasks_per_s_of_cpu']:,} of the {driver['tasks']:,} tasks a second; it takes",
        f"{driver['memory_GB']} GB for them (extrapolated).",
    ]
    text = " ".join(words)
    return "\n".join([*lines, "", text])


def main() -> None:
    """Print the table; write the result where asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core-hour", type=float, default=0.05, help="dollars for an hour of a core (default: %(default)s, a list price)")
    parser.add_argument("--write", action="store_true", help="write the result file")
    options = parser.parse_args()
    found = plan(options.core_hour)
    if options.write:
        (RESULTS / f"{NAME}.json").write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(markdown(found))


if __name__ == "__main__":
    main()
