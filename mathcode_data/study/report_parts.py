"""What the report says, as tables and paragraphs that HTML and Markdown write in their own way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mathcode_data.study.paper import COLUMNS

METHOD = (
    "Brackets are 95 % intervals of a paired bootstrap over seeds and, within a seed, over held-out windows or test items. Held-out losses "
    "are bits per byte (lower is better); scores are per cent (higher is better)."
)
RETENTION = (
    "Retention is (after - base) / (peak - base), where peak is the end of the code stage of the arm code-math: 100 % keeps all that the "
    "code stage taught, 0 % is back at the base, above 100 % is more than the code stage gave. In the paper HumanEval keeps 0 % after code "
    "then math and 134 % after mixing; MBPP 14.8 % and 97.8 %."
)
FORGETTING = "Forgetting is the last held-out loss on an arm's way less the best one, mean over seeds: 0 is nothing forgotten."


@dataclass(frozen=True)
class Table:
    """A table of texts; all columns but the first `num_words` hold numbers."""

    title: str
    note: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    num_words: int = 1


def hypothesis_tables(results: dict[str, Any]) -> list[Table]:
    """H1 to H5 and their claims, for every model size."""
    tables = []
    for name, model in results["models"].items():
        rows = []
        for found in model["hypotheses"]:
            rows.append([found["name"], found["verdict"], found["text"], ""])
            rows += [["", claim["verdict"], claim["text"], interval(claim["value"], 4)] for claim in found["claims"]]
            if found["untested"]:
                rows.append(["", "not tested", found["untested"], ""])
        tables.append(Table(f"Hypotheses, {name}", "Fixed before any run.", ["", "found", "hypothesis and claims", "value"], rows, 3))
    return tables


def paper_tables(results: dict[str, Any]) -> list[Table]:
    """The table in the shape of the paper's Tables 6 and 7, ours beside the paper's."""
    tables = []
    for name, model in results["models"].items():
        has_problems = any("program" in row for row in model["rows"])
        code = "code" if "code" in results["domains"] else next(iter(results["domains"]))
        heads = ["Arm", "after stage", "tokens (ours)", "tokens (paper)", f"{code} loss"]
        heads += ["retention of code", "reasoning", "GSM8K*", "MATH*", "programs", "GSM8K+Python*", "MATH+Python*", "HumanEval*", "MBPP*"]
        rows = []
        for row in model["rows"]:
            paper = row["paper"]
            scores = paper["scores"] if paper else {}
            ours = [interval(row[form]["new"], 1, 100) if has_problems else "" for form in ("reasoning", "program")]
            rows.append([
                row["arm"], row["stage"], tokens_text(with_problems(row["tokens"], results["problems"])), paper_tokens(paper),
                interval(row["losses"][code], 3),
                interval(row["retention"], 0, 100, " %"), ours[0], *(score(scores, column) for column in ("GSM8K", "MATH")), ours[1],
                *(score(scores, column) for column in ("GSM8K+Python", "MATH+Python", "HumanEval", "MBPP")),
            ])  # fmt: skip
        ours_is = f"{model['matrix_parameters']:,} parameters without embeddings"
        note = f"Columns with * are the paper's (1.3 B parameters), the others ours ({ours_is})."
        tables.append(Table(f"Tables 6 and 7, {name}", note, heads, rows, 4))
    return tables


def loss_tables(results: dict[str, Any]) -> list[Table]:
    """Held-out losses of every domain at the end of every stage."""
    tables = []
    for name, model in results["models"].items():
        heads = ["Arm", "after stage", *(f"{domain} ({unit})" for domain, unit in results["domains"].items())]
        rows = [
            [row["arm"], row["stage"], *(interval(row["losses"][domain], 3) for domain in results["domains"])] for row in model["rows"]
        ]  # fmt: skip
        tables.append(Table(f"Held-out losses, {name}", "", heads, rows, 2))
    return tables


def forgetting_tables(results: dict[str, Any]) -> list[Table]:
    """Forgetting of every domain by every arm."""
    tables = []
    for name, model in results["models"].items():
        rows = [
            [arm, *(f"{sum(values) / len(values):.4f}" for values in by_domain.values())] for arm, by_domain in model["forgetting"].items()
        ]  # fmt: skip
        tables.append(Table(f"Forgetting, {name}", FORGETTING, ["Arm", *results["domains"]], rows))
    return tables


def problem_tables(results: dict[str, Any]) -> list[Table]:
    """Word problems: new stories and known ones, and how many programs ran at all."""
    if results["problems"] is None:
        return []
    tables = []
    for name, model in results["models"].items():
        heads = [
            "Arm",
            "after stage",
            "reasoning, new stories",
            "known stories",
            "programs, new stories",
            "known stories",
            "programs that ran",
        ]
        cells = [(form, kind) for form in ("reasoning", "program") for kind in ("new", "seen")]
        rows = [
            [row["arm"], row["stage"], *(interval(row[form][kind], 1, 100) for form, kind in cells), f"{100 * row['ran']:.1f}"]
            for row in model["rows"]
        ]
        tables.append(Table(f"Word problems, {name}", "Per cent of the items; new stories are in no training text.", heads, rows, 2))
    return tables


def arm_table(results: dict[str, Any]) -> Table:
    """What each arm is."""
    rows = []
    for name, arm in results["arms"].items():
        stages = []
        for stage in arm["stages"]:
            parts = ", ".join(f"{source} {count_text(count)}" for source, count in stage["sources"].items())
            replayed = sum(stage["replayed"].values())
            stages.append(f"{stage['name']}: {parts}" + (f" (of it replayed {count_text(replayed)})" if replayed else ""))
        rows.append([name, arm["what"], "; then ".join(stages), count_text(arm["tokens"])])
    return Table(
        "Arms", "Every arm but base goes on from the end of base.", ["Arm", "what", "tokens by stage and source", "tokens"], rows, 3
    )


def facts(results: dict[str, Any]) -> list[str]:
    """What the study was, in short lines."""
    lines = [
        f"{len(results['seeds'])} seeds ({', '.join(map(str, results['seeds']))}), {results['num_runs']} runs, every budget of the "
        f"arms' files times {results['scale']:g}, sequence length {results['sequence_length']:,}",
    ]
    for name, model in results["models"].items():
        speed = f", {model['tokens_per_s']:,.0f} tokens/s" if model["tokens_per_s"] else ""
        lines.append(
            f"{name}: {model['matrix_parameters']:,} parameters without embeddings, {model['parameters']:,} in all, {model['device']}, "
            f"torch {model['torch']}{speed}"
        )
    training = results["training"]
    lines.append(
        f"schedule {training['schedule']} to a peak rate of {training['optimizer']['peak_lr']:g}, begun anew by every stage: part of what "
        f"a second stage forgets may be that; trained by version {results['version']}"
    )
    problems = results["problems"]
    if problems is not None:
        parts = ", ".join(f"{part['share']:.0%} of {name} ({part['form']})" for name, part in problems["mix_into"].items())
        lines.append(
            f"word problems: {problems['train']:,} to learn from{f', mixed into {parts}' if parts else ''}; "
            f"{problems['test']:,} test items of each set"
        )
        lines.append(problems["isolation"])
    return lines


def answers(results: dict[str, Any]) -> list[tuple[str, str]]:
    """The first answer that is shown of each form, under whose it is."""
    problems = results["problems"]
    return [
        (f"One answer of {problems['shown_of'][form]}, seed {results['seeds'][0]} ({form})", texts[0])
        for form, texts in problems["shown"].items()
        if texts
    ]


def interval(found: dict[str, Any] | None, digits: int, factor: float = 1.0, unit: str = "") -> str:
    """A number with its interval.

    >>> interval({"value": 0.5, "low": 0.25, "high": 0.75}, 1, 100), interval(None, 1)
    ('50.0 [25.0, 75.0]', '')
    """
    if found is None or found["value"] is None:
        return ""
    value = f"{factor * found['value']:.{digits}f}"
    if found["low"] is None or found["high"] is None:
        return value + unit
    return f"{value} [{factor * found['low']:.{digits}f}, {factor * found['high']:.{digits}f}]{unit}"


def score(scores: dict[str, float], column: str) -> str:
    """A number of the paper."""
    assert column in COLUMNS, f"the paper has no column {column!r}"
    return f"{scores[column]:.1f}" if scores else ""


def paper_tokens(paper: dict[str, Any] | None) -> str:
    """Tokens of the paper's row.

    >>> paper_tokens({"tokens": [None, 400, 150]})
    'code 400 B, math 150 B'
    """
    if paper is None:
        return ""
    named = zip(("general", "code", "math"), paper["tokens"], strict=True)
    return ", ".join(f"{name} {count} B" for name, count in named if count)


def tokens_text(tokens: dict[str, int]) -> str:
    """Tokens by source."""
    return ", ".join(f"{name} {count_text(count)}" for name, count in tokens.items())


def with_problems(tokens: dict[str, int], problems: dict[str, Any] | None) -> dict[str, int]:
    """Tokens with word problems counted to the source that they are mixed into.

    >>> with_problems({"code": 9, "problems-program": 1}, {"mix_into": {"code": {"form": "program"}}})
    {'code': 10}
    """
    owners = {f"problems-{part['form']}": name for name, part in (problems or {"mix_into": {}})["mix_into"].items()}
    found: dict[str, int] = {}
    for name, count in tokens.items():
        owner = owners.get(name, name)
        found[owner] = found.get(owner, 0) + count
    return found


def count_text(count: float) -> str:
    """A count with three digits.

    >>> count_text(11_000_000), count_text(2048), count_text(12)
    ('11.0 M', '2.05 k', '12')
    """
    for size, unit in ((1e9, " B"), (1e6, " M"), (1e3, " k")):
        if count >= size:
            digits = 2 if count < 10 * size else 1 if count < 100 * size else 0
            return f"{count / size:.{digits}f}{unit}"
    return f"{count:.0f}"
