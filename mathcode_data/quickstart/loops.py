"""A pipeline so small that nearly all of its time is the compiler's: it takes every way through the compiled loops once.

`mathcode-data doctor --compile` runs it, so that machine code is there before the first real run: in an image, or on a node. A test
counts what the compiler still does in a run afterwards.
"""

from __future__ import annotations

from pathlib import Path

import orjson

from mathcode_data.core.storage import write_bytes

NUM_PAGES = 40
QUESTION = (
    "A gardener plants 12 rows of 17 tulips and waters $3x + 5 = 20$ litres over {n} days. How many tulips stand in the rows that she "
    "waters on the last day of the week?"
)
SHORT_QUESTION = "Evaluate $\\int_0^{1} x^{2} + \\sqrt{x - 1}\\,dx$ by parts"
"""Fewer grams than `ngram`: such a one is looked for as a whole."""
MATHEMATICS = (
    "## Lesson {n}\n\nLet \\(f_{{{n}}}(x) = x^{{{n}}} - {n}x + \\frac{{1}}{{{n}}}\\) be a well-known function \u2014 for x \u2265 0 it is "
    "strictly\u00a0increasing, <b>as</b> [said before](http://a.example/{n}) &amp; **shown** there.\n\n"
    "> A <i>line</i> that is quoted\n\n{question}\n\n\\[ \\sum_{{k=1}}^{{n}} k = \\frac{{n(n+1)}}{{2}} \\]\n\n"
    "\u8bbe \u51fd\u6570 {n} \u5728 \u533a\u95f4 \u4e0a \u8fde\u7eed\u3002\n\n```python\nfor i in range({n}):\n    print(i ** 2)\n```\n"
)
WEATHER = "Day {n}: the weather in the harbour was fine, so the boats {n} to {m} went out early and came home before the evening rain."
FASTTEXT = """
  - id: model
    from: []
    learn.fasttext: {positives: {stage: mathematics}, negatives: {stage: weather}, dim: 4, bucket: 64, epochs: 1, min_count: 1,
                     holdout: 10%}
  - id: thinned-model
    from: []
    learn.fasttext: {positives: {stage: mathematics}, negatives: {stage: weather}, dim: 4, bucket: 64, epochs: 1, min_count: 1,
                     word_ngrams: 1, text: thinned, holdout: 10%}
  - from: [mathematics, weather]
    score.fasttext: {model: {stage: model}}
  - id: scored
    score.fasttext: {model: {stage: thinned-model}, text: thinned, column: score_thinned}
"""
PIPELINE = """name: loops
seed: 1
output: results
stages:
  - id: mathematics
    read.jsonl: {paths: mathematics.jsonl, source: mathematics}
  - id: weather
    from: []
    read.jsonl: {paths: weather.jsonl, source: weather}
%s
  - id: distinct
    from: [mathematics, weather]
    dedup.minhash: {min_similarity: 0.7, remember: true}
  - id: against
    from: [mathematics, weather]
    dedup.minhash: {shingle_unit: characters}
  - id: clean
    from: [mathematics, weather]
    decontaminate.ngram: {benchmarks: benchmark.jsonl, report: [lcs, idf, template]}
  - id: clean-pages
    from: [mathematics, weather]
    decontaminate.ngram: {benchmarks: benchmark.jsonl, granularity: document, short_texts: all}
"""


def write_loops_project(folder: Path, *, with_fasttext: bool) -> Path:
    """Write the pipeline and what it reads into an empty folder; returns the pipeline file."""
    questions = [QUESTION.format(n=n) for n in range(4)]
    pages = [MATHEMATICS.format(n=n, question=questions[n % 4] if n % 3 else SHORT_QUESTION) for n in range(2, NUM_PAGES)]
    pages += [page.replace("Lesson", "Unit") for page in pages[:6]]  # near-duplicates
    weather = [WEATHER.format(n=n, m=n + 7) for n in range(NUM_PAGES)]
    items = [{"question": text, "answer": "204"} for text in (*questions, SHORT_QUESTION)]
    for name, rows in (
        ("mathematics.jsonl", [{"text": text} for text in pages]),
        ("weather.jsonl", [{"text": text} for text in weather]),
        ("benchmark.jsonl", items),
    ):
        write_bytes(folder / name, b"".join(orjson.dumps(row) + b"\n" for row in rows))
    path = folder / "loops.yaml"
    write_bytes(path, (PIPELINE % (FASTTEXT if with_fasttext else "")).encode())
    return path
