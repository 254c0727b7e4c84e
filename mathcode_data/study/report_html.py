"""The report as one HTML page that needs nothing else: style and drawings inside, no script, a policy that forbids everything else."""

from __future__ import annotations

import base64
import hashlib
import html
from typing import Any

from mathcode_data.core.terminal import visible
from mathcode_data.study.curves import curve_chart
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

STYLE = """
:root{color-scheme:light dark;--page:#fff;--ink:#1b1d21;--soft:#565c66;--rule:#dfe2e7;--panel:#f5f6f8;--good:#00613f;--bad:#9c2f00;
--c0:#0072b2;--c1:#c8500a;--c2:#007a5a;--c3:#a3478d;--c4:#7a6400;--c5:#2f7ba8;--c6:#8c3b2e;--c7:#4b4fa6}
@media (prefers-color-scheme:dark){:root{--page:#14161a;--ink:#e6e8eb;--soft:#a4abb6;--rule:#31363e;--panel:#1c1f25;--good:#5fd6a8;
--bad:#ffb28a;--c0:#56b4e9;--c1:#f0914a;--c2:#35c69b;--c3:#dd92c4;--c4:#d9c94a;--c5:#9fc9ff;--c6:#e58e7b;--c7:#a9adff}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1180px;margin:0 auto;padding:2.2rem 1.25rem 3rem}
h1{margin:0 0 .4rem;font-size:1.9rem;line-height:1.2;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:0 0 .6rem}
h3{font-size:1rem;margin:1.4rem 0 .2rem}
section{margin-top:2.4rem;padding-top:1.4rem;border-top:1px solid var(--rule)}
.note,.facts{color:var(--soft);font-size:.9rem;max-width:85ch}
.claim{max-width:75ch;border-left:3px solid var(--c0);padding-left:.9rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums;margin:.4rem 0}
th{color:var(--soft);font-size:.8rem;text-align:left;vertical-align:bottom;font-weight:600}
th,td{padding:.3rem .9rem .3rem 0;border-bottom:1px solid var(--rule);vertical-align:top}
th.number,td.number{text-align:right}
td.number{white-space:nowrap}
td:first-child{white-space:nowrap}
.holds{color:var(--good);font-weight:600}.fails{color:var(--bad);font-weight:600}.open{color:var(--soft);font-weight:600}
.verdict{white-space:nowrap}
figure{margin:1rem 0 1.6rem}
svg{display:block;width:100%;height:auto}
.axis{font-size:12px;fill:var(--soft)}.grid{stroke:var(--rule)}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
.c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}.c4{fill:var(--c4)}.c5{fill:var(--c5)}.c6{fill:var(--c6)}
.c7{fill:var(--c7)}.s0{stroke:var(--c0)}.s1{stroke:var(--c1);stroke-dasharray:7 3}.s2{stroke:var(--c2);stroke-dasharray:2 3}
.s3{stroke:var(--c3);stroke-dasharray:10 3 2 3}.s4{stroke:var(--c4);stroke-dasharray:4 2}.s5{stroke:var(--c5);stroke-dasharray:12 4}
.s6{stroke:var(--c6);stroke-dasharray:1 2}.s7{stroke:var(--c7);stroke-dasharray:8 2 1 2 1 2}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.3rem 0 0;padding:0;list-style:none;font-size:.9rem}
.legend li{display:flex;align-items:center;gap:.45rem}
.legend .key{width:26px}
pre{background:var(--panel);border:1px solid var(--rule);border-radius:6px;padding:.7rem .9rem;overflow-x:auto;
font-size:.85rem;white-space:pre-wrap}
@media (max-width:640px){main{padding:1.3rem 1rem 2rem}h1{font-size:1.5rem}}
"""
VERDICTS = {"holds": "holds", "fails": "fails", "not decided": "open", "not tested": "open"}


def html_report(results: dict[str, Any]) -> str:
    """The whole page."""
    body = [
        f'<header><h1>Study {_e(results["name"])}</h1><p class="claim">{_e(results["claim"])}</p>',
        f'<ul class="facts">{"".join(f"<li>{_e(line)}</li>" for line in facts(results))}</ul></header>',
        _section("What was found", METHOD, *(_table(table) for table in hypothesis_tables(results))),
        _section("Beside the paper", RETENTION, *(_table(table) for table in paper_tables(results))),
        _section("Forgetting curves", "Held-out losses through training, mean over seeds.", *_charts(results)),
        _section("Forgetting", "", *(_table(table) for table in (*forgetting_tables(results), *loss_tables(results)))),
    ]
    if results["problems"] is not None:
        shown = [f"<h3>{_e(head)}</h3><pre>{_e(text)}</pre>" for head, text in answers(results)]
        body.append(_section("Word problems", "", *(_table(table) for table in problem_tables(results)), *shown))
    body.append(_section("Arms", "", _table(arm_table(results))))
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer">'
        f"<title>Study {_e(results['name'])}</title><style>{STYLE}</style></head><body><main>{''.join(body)}</main></body></html>\n"
    )


def _e(text: Any) -> str:
    return html.escape(visible(str(text)))


def _section(title: str, note: str, *parts: str) -> str:
    return f"<section><h2>{_e(title)}</h2>{f'<p class=note>{_e(note)}</p>' if note else ''}{''.join(parts)}</section>"


def _charts(results: dict[str, Any]) -> list[str]:
    found = []
    for name, model in results["models"].items():
        for domain, curves in model["curves"].items():
            chart = curve_chart(curves, f"{domain}, {name}: held-out loss over tokens", results["domains"][domain])
            if chart:
                found.append(f"<figure><h3>{_e(domain)}, {_e(name)} ({_e(results['domains'][domain])})</h3>{chart}</figure>")
    return found


def _table(table: Table) -> str:
    heads = "".join(f"<th{_number(number, table)}>{_e(head)}</th>" for number, head in enumerate(table.heads))
    rows = "".join(f"<tr>{''.join(_cell(cell, number, table) for number, cell in enumerate(row))}</tr>" for row in table.rows)
    note = f'<p class="note">{_e(table.note)}</p>' if table.note else ""
    body = f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f"<h3>{_e(table.title)}</h3>{note}{body}"


def _number(number: int, table: Table) -> str:
    return "" if number < table.num_words else ' class="number"'


def _cell(cell: str, number: int, table: Table) -> str:
    if number == 1 and cell in VERDICTS:
        return f'<td class="verdict {VERDICTS[cell]}">{_e(cell)}</td>'
    return f"<td{_number(number, table)}>{_e(cell)}</td>"
