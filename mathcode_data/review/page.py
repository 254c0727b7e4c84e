"""The review page: one document with its own style and script, nothing from outside. Text goes in by `textContent` only."""

from __future__ import annotations

from mathcode_data.inspect.markup import escape

STYLE = """
:root{color-scheme:light dark;--page:#fff;--ink:#1b1d21;--soft:#565c66;--rule:#dfe2e7;--panel:#f5f6f8;--accent:#0b5cad;--here:#e8f1fb;
--yes:#00654a;--yes-page:#e2f4ec;--no:#9c2f00;--no-page:#fdeee4;--bar:#0072b2;--range:#9cc7e4}
@media (prefers-color-scheme:dark){:root{--page:#14161a;--ink:#e6e8eb;--soft:#a4abb6;--rule:#31363e;--panel:#1c1f25;--accent:#7db8f5;
--here:#1b2a3b;--yes:#5fd9b0;--yes-page:#12312a;--no:#ffb28a;--no-page:#3a2418;--bar:#56b4e9;--range:#2b5672}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;
height:100vh;display:grid;grid-template-rows:auto 1fr auto;overflow:hidden}
header{display:flex;flex-wrap:wrap;align-items:center;gap:.6rem 1.4rem;padding:.9rem 1.3rem;border-bottom:1px solid var(--rule)}
h1{font-size:1.15rem;font-weight:650;margin:0;overflow-wrap:anywhere}
#counts{color:var(--soft);font-variant-numeric:tabular-nums}
#tools{margin-left:auto;display:flex;gap:.6rem;align-items:center}
input,select,button{font:inherit;color:var(--ink);background:var(--panel);border:1px solid var(--rule);border-radius:6px;
padding:.3rem .6rem}
button{cursor:pointer}button:hover{border-color:var(--accent)}
main{display:grid;grid-template-columns:minmax(0,5fr) minmax(0,3fr);min-height:0}
#list{overflow:auto;min-height:0}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{position:sticky;top:0;background:var(--page);color:var(--soft);font-size:.8rem;font-weight:600;text-align:left;z-index:1}
th,td{padding:.38rem .7rem;border-bottom:1px solid var(--rule)}
th:first-child,td:first-child{padding-left:1.3rem}
td.number,th.number{text-align:right;white-space:nowrap}
tr.row{cursor:pointer}
tr.here td{background:var(--here)}
tr.here td:first-child{box-shadow:inset 3px 0 var(--accent)}
td.name{overflow-wrap:anywhere;font-weight:600;min-width:13.5rem}
@media (max-width:1500px){.extra{display:none}}
tr.prefix td.name{padding-left:2.7rem;font-weight:400}
.mark{display:inline-block;min-width:5.2rem;text-align:center;border-radius:4px;padding:0 .4rem;font-size:.82rem;color:var(--soft)}
.accept .mark,.auto .mark{color:var(--yes);background:var(--yes-page)}
.accept .mark,.auto .mark,.reject .mark{font-weight:600}
.reject .mark{color:var(--no);background:var(--no-page)}
svg{display:block;width:7.5rem;height:14px}
.track{fill:var(--panel)}.range{fill:var(--range)}.share{fill:var(--bar)}
#detail{overflow:auto;min-height:0;border-left:1px solid var(--rule);background:var(--panel);padding:1rem 1.3rem}
#detail h2{font-size:1.05rem;margin:0 0 .3rem;overflow-wrap:anywhere}
#detail p{margin:.2rem 0 .8rem;color:var(--soft)}
.act{display:flex;gap:.5rem;margin:0 0 1rem}.act button{background:var(--page)}
article{background:var(--page);border:1px solid var(--rule);border-radius:8px;padding:.6rem .8rem;margin:0 0 .7rem}
article h3{font-size:.95rem;margin:0;overflow-wrap:anywhere}
article a,article .address{color:var(--accent);font-size:.84rem;overflow-wrap:anywhere}
article .address{color:var(--soft)}
article pre{margin:.4rem 0 0;white-space:pre-wrap;overflow-wrap:anywhere;
font:.84rem/1.45 ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.tag{font-size:.78rem;color:var(--soft);float:right;margin-left:.6rem}
footer{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;padding:.5rem 1.3rem;border-top:1px solid var(--rule);
color:var(--soft);font-size:.84rem}
footer #said{margin-left:auto;overflow-wrap:anywhere}
kbd{font:inherit;border:1px solid var(--rule);border-radius:4px;padding:0 .35rem;color:var(--ink);background:var(--panel)}
#none{padding:2rem 1.3rem;color:var(--soft)}
:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
[hidden]{display:none!important}
@media (max-width:800px){body{height:auto;display:block;overflow:auto}main{display:block}
#detail{border-left:0;border-top:1px solid var(--rule)}
#list{overflow-x:auto}th{position:static}#tools{margin-left:0;flex-wrap:wrap}.wide{display:none}}
@media (max-width:560px){#tools{width:100%}#filter{flex:1 1 6rem;min-width:0}th,td{padding:.38rem .3rem}td.name{min-width:0}
th:first-child,td:first-child{padding-left:.9rem}tr.prefix td.name{padding-left:1.7rem}.joins{display:none}.mark{min-width:0}
header,footer,#detail{padding-left:.9rem;padding-right:.9rem}}
"""

SCRIPT = """
'use strict';
const get = id => document.getElementById(id);
const percent = x => (100 * x).toFixed(x < 0.1 ? 1 : 0) + ' %';
const count = n => n.toLocaleString('en');
let rows = [], state = [], shown = [], here = -1, busy = Promise.resolve(), wanted = 0;
const make = (name, className, text) => { const e = document.createElement(name); if (className) e.className = className;
  if (text !== undefined) e.textContent = text; return e; };
const say = text => { get('said').textContent = text; };
async function ask(way, body) {
  const options = body === undefined ? {} : {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)};
  const answer = await fetch(way, options);
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error);
  return data;
}
function bar(row) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 120 14'); svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', percent(row.share) + ' collected, interval ' + percent(row.low) + ' to ' + percent(row.high));
  for (const [name, x, width, y, height] of [['track', 0, 120, 4, 6], ['range', 120 * row.low, 120 * (row.high - row.low), 1, 12],
    ['share', 0, 120 * row.share, 4, 6]]) {
    const r = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    r.setAttribute('class', name);
    for (const [key, value] of Object.entries({x, width: Math.max(width, 0.5), y, height, rx: 2})) r.setAttribute(key, value);
    svg.append(r);
  }
  return svg;
}
function draw() {
  const text = get('filter').value.trim().toLowerCase(), kind = get('kind').value;
  shown = rows.map((_, i) => i).filter(i => rows[i].name.toLowerCase().includes(text) &&
    (kind === 'all' || (kind === 'open' ? !state[i] : kind === 'accept' ? ['accept', 'auto'].includes(state[i]) : state[i] === kind)));
  const body = get('rows');
  body.replaceChildren(...shown.map(i => {
    const row = rows[i], tr = make('tr', 'row ' + row.kind);
    tr.dataset.row = i;
    const share = make('td', 'wide'); share.append(bar(row));
    const mark = make('td'); mark.append(make('span', 'mark'));
    tr.append(make('td', 'name', row.name), make('td', 'number', count(row.pages)), make('td', 'number', percent(row.share)), share,
      make('td', 'number wide extra', percent(row.low) + ' – ' + percent(row.high)), make('td', 'number joins', count(row.new)), mark);
    tr.addEventListener('click', () => go(i));
    return tr;
  }));
  get('none').hidden = shown.length > 0;
  if (!shown.includes(here)) here = shown.length ? shown[0] : -1;
  paint(); go(here);
}
function paint() {
  const words = {accept: 'accepted', reject: 'rejected', auto: 'automatic'};
  for (const tr of get('rows').children) {
    const i = Number(tr.dataset.row);
    tr.className = 'row ' + rows[i].kind + (state[i] ? ' ' + state[i] : '') + (i === here ? ' here' : '');
    tr.setAttribute('aria-selected', i === here);
    tr.querySelector('.mark').textContent = words[state[i]] || (rows[i].suggested ? 'suggested' : '');
  }
  const number = kinds => state.filter(s => kinds.includes(s)).length;
  get('counts').textContent = count(number(['accept', 'auto'])) + ' accepted · ' + count(number(['reject'])) + ' rejected · ' +
    count(number([null])) + ' open';
}
async function go(i) {
  here = i; paint();
  const detail = get('detail');
  if (i < 0) { detail.replaceChildren(); return; }
  const tr = get('rows').querySelector('[data-row="' + i + '"]');
  if (tr) tr.scrollIntoView({block: 'nearest'});
  const mine = ++wanted, row = rows[i];
  const samples = await ask('samples/' + i);
  if (mine !== wanted) return;
  const acts = make('div', 'act');
  for (const [name, decision] of [['Accept', 'accept'], ['Reject', 'reject'], ['Clear', 'clear']]) {
    const button = make('button', '', name);
    button.addEventListener('click', () => act(decision));
    acts.append(button);
  }
  detail.replaceChildren(make('h2', '', row.name), make('p', '', count(row.collected) + ' of ' + count(row.pages) +
    ' pages were collected; if accepted, ' + count(row.new) + ' more join the seed'), acts, ...samples.map(sample => {
    const article = make('article');
    article.append(make('span', 'tag', (sample.is_collected ? 'collected' : 'not collected') +
      (sample.score === null ? '' : ' · score ' + sample.score.toFixed(3))));
    article.append(make('h3', '', sample.title || 'without a title'));
    const link = make(sample.link ? 'a' : 'span', sample.link ? '' : 'address', sample.url);
    if (sample.link) { link.href = sample.link; link.rel = 'noopener noreferrer nofollow'; link.target = '_blank'; }
    article.append(link, make('pre', '', sample.text));
    return article;
  }));
  detail.scrollTop = 0;
}
function move(step) {
  const at = shown.indexOf(here);
  if (shown.length) go(shown[Math.min(Math.max(at + step, 0), shown.length - 1)]);
}
function queue(work) { busy = busy.then(work).catch(error => say(error.message)); }
function act(decision) {
  const i = here;
  if (i < 0) return;
  queue(async () => { state = (await ask('act', {row: i, decision})).state; say('saved: ' + decision + ' ' + rows[i].name); paint(); });
  move(1);
}
function undo() {
  queue(async () => {
    const found = await ask('undo', {});
    state = found.state;
    if (found.row === null) { say('nothing to undo'); return; }
    say('saved: undone for ' + rows[found.row].name); go(found.row);
  });
}
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (['INPUT', 'SELECT'].includes(event.target.tagName)) {
    if (event.key === 'Escape' || event.key === 'Enter') event.target.blur();
    return;
  }
  const found = {j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1), a: () => act('accept'),
    r: () => act('reject'), c: () => act('clear'), u: undo, '/': () => get('filter').focus()}[event.key];
  if (found) { event.preventDefault(); found(); }
});
get('filter').addEventListener('input', draw);
get('kind').addEventListener('change', draw);
get('undo').addEventListener('click', undo);
ask('rows').then(data => { rows = data.rows; state = data.state; say('decisions: ' + data.file); draw();
  document.body.dataset.ready = 'yes'; })
  .catch(error => say(error.message));
"""


def page(title: str, nonce: str) -> str:
    """The whole document; rows and samples come by script."""
    keys = [("j", "next"), ("k", "before"), ("a", "accept"), ("r", "reject"), ("c", "clear"), ("u", "undo"), ("/", "filter")]
    shown = "".join(f"<span><kbd>{key}</kbd> {words}</span>" for key, words in keys)
    heads = "".join(
        f'<th scope="col" class="{kind}">{escape(name)}</th>'
        for name, kind in (
            ("domain or prefix", ""), ("pages", "number"), ("collected", "number"), ("share", "wide"), ("interval", "number wide extra"),
            ("would join", "number joins"), ("decision", ""),
        )
    )  # fmt: skip
    options = "".join(f'<option value="{value}">{value}</option>' for value in ("all", "open", "accept", "reject"))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)} · review</title><style nonce="{nonce}">{STYLE}</style></head>\n<body>'
        f'<header><h1>{escape(title)}</h1><span id="counts" role="status"></span><span id="tools">'
        f'<input id="filter" type="search" placeholder="filter" aria-label="filter by name">'
        f'<select id="kind" aria-label="which rows">{options}'
        f'</select><button id="undo">Undo</button></span></header>\n<main><div id="list"><table><thead><tr>{heads}</tr></thead>'
        '<tbody id="rows"></tbody></table><p id="none" hidden>No row matches.</p></div>'
        '<aside id="detail" aria-label="samples"></aside></main>\n'
        f'<footer>{shown}<span id="said" role="status"></span></footer><script nonce="{nonce}">{SCRIPT}</script></body></html>\n'
    )
