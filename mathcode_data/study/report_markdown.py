"""The report as Markdown."""

from __future__ import annotations

from typing import Any

from mathcode_data.study.report_parts import (
    METHOD,
    RETENTION,
    Table,
    answers,
    arm_table,
    facts,
    forgetting_tables,
    hypothesis_tables,
    loss_tables,
    paper_tables,
    problem_tables,
)


def markdown_report(results: dict[str, Any]) -> str:
    """The whole report."""
    parts = [f"# Study {results['name']}", results["claim"], "\n".join(f"- {line}" for line in facts(results)), METHOD]
    parts += ["## What was found", *(markdown_table(table) for table in hypothesis_tables(results))]
    parts += ["## Beside the paper", RETENTION, *(markdown_table(table) for table in paper_tables(results))]
    parts += ["## Forgetting", *(markdown_table(table) for table in (*forgetting_tables(results), *loss_tables(results)))]
    if results["problems"] is not None:
        parts += ["## Word problems", *(markdown_table(table) for table in problem_tables(results))]
        parts += [f"{head}:\n\n{_fenced(text)}" for head, text in answers(results)]
    parts += ["## Arms", markdown_table(arm_table(results))]
    return "\n\n".join(part for part in parts if part) + "\n"


def markdown_table(table: Table) -> str:
    """A table with its title and note.

    >>> print(markdown_table(Table("T", "", ["a", "b|c"], [["x", "1"]])))
    **T**
    <BLANKLINE>
    | a | b\\|c |
    |---|--:|
    | x | 1 |
    """
    rules = ["---" if number < table.num_words else "--:" for number in range(len(table.heads))]
    lines = [_row(table.heads), f"|{'|'.join(rules)}|", *(_row(row) for row in table.rows)]
    note = f" {table.note}" if table.note else ""
    return f"**{table.title}**{note}\n\n" + "\n".join(lines)


def _row(cells: Any) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _fenced(text: str) -> str:
    """A block of text as it was written; the fence is longer than any in it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text.rstrip()}\n{fence}"
