"""The style sheet of reports: system fonts, two schemes, colours that differ for colour-blind people (after Okabe and Ito 2008)."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--page:#fff;--ink:#1b1d21;--soft:#565c66;--rule:#dfe2e7;--panel:#f5f6f8;--accent:#0b5cad;
--doc:#eef4fb;--mark:#8a2c00;--mark-page:#fdeee4;
--c0:#0072b2;--c1:#c8500a;--c2:#007a5a;--c3:#a3478d;--c4:#7a6400;--c5:#2f7ba8;--c6:#8c3b2e;--c7:#4b4fa6;--c8:#6b7078;--on:#fff}
@media (prefers-color-scheme:dark){:root{--page:#14161a;--ink:#e6e8eb;--soft:#a4abb6;--rule:#31363e;--panel:#1c1f25;--accent:#7db8f5;
--doc:#1b2531;--mark:#ffb28a;--mark-page:#3a2418;
--c0:#56b4e9;--c1:#f0914a;--c2:#35c69b;--c3:#dd92c4;--c4:#d9c94a;--c5:#9fc9ff;--c6:#e58e7b;--c7:#a9adff;--c8:#9aa1ab;--on:#101215}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;
overflow-wrap:anywhere}
main{max-width:1080px;margin:0 auto;padding:2.2rem 1.25rem 3rem}
header{margin-bottom:1.2rem}
.kind{margin:0;color:var(--soft);font-size:.85rem;letter-spacing:.04em}
h1{margin:.1rem 0 .2rem;font-size:1.9rem;line-height:1.2;font-weight:650;overflow-wrap:anywhere}
h2{margin:0 0 .6rem;font-size:1.15rem;font-weight:650}
h3{margin:1.2rem 0 .4rem;font-size:1rem;font-weight:600;overflow-wrap:anywhere}
.subtitle{margin:0;color:var(--soft);font-size:.92rem;overflow-wrap:anywhere}
section{margin-top:2.4rem;padding-top:1.4rem;border-top:1px solid var(--rule)}
p{margin:.4rem 0}
.note{color:var(--soft);font-size:.88rem;max-width:70ch}
.figures{display:flex;flex-wrap:wrap;gap:.9rem 2.2rem;margin:1.4rem 0 0}
.figures dt{color:var(--soft);font-size:.82rem}
.figures div{display:flex;flex-direction:column-reverse}
.figures dd{margin:0;font-size:1.4rem;font-weight:600;font-variant-numeric:tabular-nums;line-height:1.25}
figure{margin:.6rem 0 1rem}
figcaption{color:var(--soft);font-size:.85rem;margin-top:.2rem}
svg{display:block;width:100%;height:auto}
svg.narrow{display:none}
.label{font-size:12px;fill:var(--soft);font-variant-numeric:tabular-nums}
.axis{font-size:12px;fill:var(--soft)}
.inside{font-size:12px;fill:var(--on);font-weight:600}
.grid{stroke:var(--rule);stroke-width:1}
.base{stroke:var(--soft);stroke-width:1}
.edge{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 3}
.column{fill:var(--c0)}
.cell{stroke:var(--page);stroke-width:1}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
.c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}.c4{fill:var(--c4)}.c5{fill:var(--c5)}.c6{fill:var(--c6)}
.c7{fill:var(--c7)}.c8{fill:var(--c8)}
.s0{stroke:var(--c0)}.s1{stroke:var(--c1);stroke-dasharray:7 3}.s2{stroke:var(--c2);stroke-dasharray:2 3}
.s3{stroke:var(--c3);stroke-dasharray:10 3 2 3}.s4{stroke:var(--c4);stroke-dasharray:4 2}.s5{stroke:var(--c5);stroke-dasharray:12 4}
.s6{stroke:var(--c6);stroke-dasharray:1 2}.s7{stroke:var(--c7);stroke-dasharray:8 2 1 2 1 2}.s8{stroke:var(--c8);stroke-dasharray:3 5}
.t0,.t1,.t2,.t3,.t4,.t5,.t6,.t7,.t8{fill:var(--ink)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.3rem 0 0;padding:0;list-style:none;font-size:.9rem}
.legend li{display:flex;align-items:center;gap:.45rem;overflow-wrap:anywhere}
.legend .key{width:26px;flex:none}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;min-width:100%}
caption{text-align:left;font-weight:600;padding:.2rem 0 .4rem}
th{font-weight:600;color:var(--soft);font-size:.82rem;text-align:left;vertical-align:bottom;white-space:nowrap}
th,td{padding:.32rem .9rem .32rem 0;border-bottom:1px solid var(--rule)}
th:last-child,td:last-child{padding-right:0}
td{vertical-align:top;min-width:6.5rem;max-width:26rem;overflow-wrap:anywhere}
td.number,td.drawn{min-width:0}
.number{text-align:right;white-space:nowrap}
.bar{width:4.5rem;height:.55rem;margin-top:.45rem}
.groups{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,29rem),1fr));gap:1.4rem 2.4rem}
.groups>div{min-width:0}
@media (min-width:641px){.groups td:first-child:not(.number){min-width:11rem}}
a{color:var(--accent)}
.address,code,.ids{overflow-wrap:anywhere}
code,.text,.ids{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.86em}
.sample{margin:1.6rem 0 0}
.named{display:flex;align-items:center;gap:.5rem}
.key{width:26px;flex:none}
.origin{margin:.3rem 0 .5rem;padding-left:1.4rem;font-size:.88rem}
.origin li{overflow-wrap:anywhere}
.text{margin:0;padding:.7rem .9rem;max-height:24rem;overflow:auto;background:var(--panel);border:1px solid var(--rule);border-radius:6px;
white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5;tab-size:4}
.text .odd{background:var(--doc)}
.border{display:block;margin:.55rem 0 .3rem;padding-top:.3rem;border-top:2px solid var(--mark);color:var(--mark);font-size:.85em}
.before{border-top-style:dotted;border-top-width:1px}
.special{padding:0 .3em;border-radius:3px;background:var(--mark-page);color:var(--mark);white-space:nowrap;font-weight:600}
.warning{border-left:3px solid var(--mark);padding-left:.8rem}
.soft{color:var(--soft)}
.origin a.soft{white-space:nowrap}
details summary{cursor:pointer}
footer{margin-top:2.6rem;padding-top:1rem;border-top:1px solid var(--rule);color:var(--soft);font-size:.88rem}
footer ul{margin:.2rem 0;padding-left:1.2rem}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media (max-width:640px){main{padding:1.3rem 1rem 2rem}h1{font-size:1.5rem}svg.wide{display:none}svg.narrow{display:block}
section{margin-top:1.8rem}.figures{gap:.7rem 1.5rem}.figures dd{font-size:1.2rem}}
@media print{.text{max-height:none}}
"""
