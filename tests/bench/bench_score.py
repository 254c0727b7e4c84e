"""score.fasttext beside a bare `model.predict(list)` of the same model on the same texts.

Ours is the whole stage: an Arrow table goes in, lines are made, the score column comes out. The peer gets Python strings with
white space already made one space, which its clock does not count. Both read the first 10,000 characters of a page. `prepared`
is the peer on the stage's own lines, which hold more words than a plain text. The model has the paper's dimensions; its weights
are from one pass over some of the pages, which changes no time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bench_classifier import Page, read_pages
from harness import Bench, Options

SETTINGS = {"paper": {"dim": 256, "wordNgrams": 3, "bucket": 2_000_000}, "small": {"dim": 8, "wordNgrams": 1, "bucket": 1000}}
TEXT = {"paper": "words", "small": "thinned"}
NUM_PAGES = 1000
NUM_LEARNED = 300
MAX_CHARACTERS = 10_000
SEPARATE_THREADS = 11


def make_model(path: Path, pages: list[Page], kind: str, settings: dict[str, int]) -> None:
    """Learn from a few pages."""
    import fasttext

    from mathcode_data.stages.score.fasttext_lines import make_liner

    lines = make_liner(kind, MAX_CHARACTERS)([page.text for page in pages])  # type: ignore[arg-type]
    train = path.with_suffix(".txt")
    train.write_text(
        "".join(f"__label__{'math' if page.is_math else 'other'} {line}\n" for page, line in zip(pages, lines, strict=True)),
        encoding="utf-8",
    )
    # fewer threads than eleven leave parts of the matrix unfilled (facebookresearch/fastText#935)
    model = fasttext.train_supervised(str(train), thread=SEPARATE_THREADS, epoch=1, lr=0.1, minCount=2, verbose=0, **settings)
    model.save_model(str(path))


def race(name: str, options: Options, pages: list[Page]) -> Bench:
    """The stage and the peers on one model."""
    import fasttext
    import pyarrow as pa

    from mathcode_data.core.counters import Ledger
    from mathcode_data.core.plugins import load_plugin
    from mathcode_data.core.storage import sha256_file
    from mathcode_data.stages.score.fasttext_lines import make_liner

    fasttext.FastText.eprint = lambda *_: None
    path = options.scratch / f"{name}.bin"
    make_model(path, pages[:: max(1, len(pages) // NUM_LEARNED)], TEXT[name], SETTINGS[name])
    plugin = load_plugin("score.fasttext")
    reference = {"path": str(path), "sha256": sha256_file(path)}
    stage = plugin.build(plugin.config.model_validate({"model": reference, "text": TEXT[name], "max_characters": MAX_CHARACTERS}))
    texts = [page.text for page in pages]
    table = pa.table({"doc_id": [f"{i:032x}" for i in range(len(texts))], "text": pa.array(texts, pa.large_string())})
    plain = [" ".join(text[:MAX_CHARACTERS].split()) for text in texts]
    prepared = make_liner(TEXT[name], MAX_CHARACTERS)(texts)  # type: ignore[arg-type]
    bare: Any = fasttext.load_model(str(path))
    megabytes = sum(len(text[:MAX_CHARACTERS].encode()) for text in texts) / 1e6
    bench = Bench(f"score_{name}", SETTINGS[name] | {"text": TEXT[name], "pages": len(texts), "MB": round(megabytes, 2)})
    given = bench.race(
        {
            "score.fasttext": lambda: stage(table, Ledger("score"))["score_math"].to_pylist(),
            "bare predict, plain": lambda: bare.predict(plain, k=-1),
            "bare predict, prepared": lambda: bare.predict(prepared, k=-1),
        },
        "MB",
        megabytes,
        repeats=min(options.repeats, 3),
    )
    labels, probabilities = given["bare predict, prepared"]
    wanted = [dict(zip(names, values, strict=True)).get("__label__math", 0.0) for names, values in zip(labels, probabilities, strict=True)]
    apart = max(abs(min(1.0, one) - other) for one, other, line in zip(wanted, given["score.fasttext"], prepared, strict=True) if line)
    bench.facts = {"largest_difference_of_scores": round(float(apart), 9), "model_MB": round(path.stat().st_size / 1e6, 1)}
    path.unlink()
    return bench


def run(options: Options) -> list[Bench]:
    """Both models."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the work of a core is measured
    pages = read_pages(options, options.scaled(NUM_PAGES))
    return [race(name, options, pages) for name in SETTINGS]
