"""Reports in a real Chromium: nothing is loaded, nothing fails, phones need no sideways scrolling, both schemes can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from mathcode_data.inspect.reports import make_reports
from mathcode_data.inspect.sampling import Look
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.recipe import Recipe
from mathcode_data.mixture.sources import source_from_path
from mathcode_data.shards.documents_table import write_documents_table
from mathcode_data.shards.writer import ShardWriter
from support.browser import CONTRAST, INSIDE_CONTRAST, Browser, missing
from support.stages import documents, make_result

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing() or "a browser is here")]

LONG = "https://long.example/" + "a" * 300
HOSTILE = "<script>document.title='taken'</script><img src=https://evil.example/x.png><style>*{display:none}</style>" + "W" * 400
MIN_CONTRAST = 4.5
"""WCAG 2.2, level AA, for text of ordinary size."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all reports."""
    made = Browser(tmp_path_factory.mktemp("browser"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Address of a report of each kind, with hostile and very long text in it."""
    folder = tmp_path_factory.mktemp("reports")
    texts = [f"{HOSTILE} text {number} \\(x^2\\) 数学" if number % 3 == 0 else f"text {number}" for number in range(40)]
    columns = {"language": ["en", HOSTILE] * 20, "license": ["MIT", "B" * 190] * 20, "score_math": [number / 40 for number in range(40)]}
    table = documents(texts, **columns)
    urls = table.schema.get_field_index("url")
    table = table.set_column(urls, "url", table["url"].take([0] * 40).combine_chunks().fill_null(LONG))
    paths = {"documents": make_result(folder / "documents", [table]).folder}
    tokenizer = byte_tokenizer()
    for number in range(10):
        ids = [[*tokenizer.encode(text).ids, 0] for text in texts]
        with ShardWriter(folder / f"s{number}" / "t-00000", np.uint16) as writer:
            for tokens in ids:
                writer.add(tokens)
        write_documents_table(folder / f"s{number}" / "t-00000.documents.parquet", [(table, [len(tokens) for tokens in ids])])
        tokenizer.save(str(folder / f"s{number}" / "tokenizer.json"))
    paths["shards"] = folder / "s0"
    paths["mixture"] = make_mixture(folder)
    addresses = {}
    for name, path in paths.items():
        make_reports(path, Look(), html=folder / f"{name}.html", card=False, card_file=None)
        addresses[name] = (folder / f"{name}.html").as_uri()
    return addresses


def byte_tokenizer() -> Tokenizer:
    """Each byte is a token, the id 0 is special."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        [], trainers.BpeTrainer(vocab_size=257, special_tokens=["<|eos|>"], initial_alphabet=alphabet, show_progress=False)
    )
    return made


def make_mixture(folder: Path) -> Path:
    """Ten sources, one with a name as long as names may be, in three stages, one of which changes its weights."""
    names = ["a-source-with-a-name-that-goes-on-and-on-and-on-and-on-and-on", *(f"source-{number}" for number in range(1, 10))]
    stages: list[dict[str, Any]] = [
        {"name": "first", "tokens": 30_000, "weights": {name: 10 - number for number, name in enumerate(names)}},
        {"name": "second", "tokens": 12_000, "weights": {names[0]: 3, names[1]: 1}, "final_weights": {names[0]: 1, names[1]: 3}},
        {"name": "third", "tokens": {names[2]: 2000}},
    ]
    sources = {name: {"shards": str(folder / f"s{number}"), "max_epochs": 4} for number, name in enumerate(names)}
    recipe = Recipe.model_validate(
        {"name": "many", "seed": 1, "sequence_length": 64, "allow_overlap": True, "sources": sources, "stages": stages}
    )
    build_mixture(recipe, [source_from_path(name, folder / f"s{number}") for number, name in enumerate(names)], folder / "mixture")
    return folder / "mixture"


@pytest.mark.parametrize("kind", ["mixture", "shards", "documents"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1100])
def test_a_report_loads_nothing_fits_its_screen_and_can_be_read(
    browser: Browser, reports: dict[str, str], kind: str, scheme: str, width: int
):
    browser.show(reports[kind], width=width, scheme=scheme)
    assert browser.logs("browser") == [], "the console has no message"
    assert browser.requests(reports[kind]) in ([reports[kind]], [reports[kind], "data:,"])
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), "no sideways scrolling"
    assert browser.run("return document.title") != "taken"
    assert browser.run("return document.scripts.length + document.images.length") == 0
    weakest = browser.run(CONTRAST)
    assert weakest[0][0] >= MIN_CONTRAST, weakest
    inside = browser.run(INSIDE_CONTRAST)
    assert all(ratio >= MIN_CONTRAST for ratio, _ in inside), inside
    assert (
        browser.run("return getComputedStyle(document.body).backgroundColor")
        == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 22, 26)"}[scheme]
    )
    shown = browser.run(
        "return [...document.querySelectorAll('svg.wide, svg.narrow')].filter(e => e.checkVisibility()).map(e => e.classList[0])"
    )
    assert set(shown) == {"narrow" if width == 360 else "wide"}


def test_labels_of_charts_stay_inside_and_apart(browser: Browser, reports: dict[str, str]):
    for kind, address in reports.items():
        for width in (360, 1100):
            browser.show(address, width=width)
            assert browser.run(OUTSIDE) == [], (kind, width)


OUTSIDE = """
const found = [];
for (const svg of document.querySelectorAll('svg.wide, svg.narrow')) {
  if (!svg.checkVisibility()) continue;
  const box = svg.getBoundingClientRect();
  const seen = [];
  for (const text of svg.querySelectorAll('text')) {
    const r = text.getBoundingClientRect();
    if (r.left < box.left - 1 || r.right > box.right + 1 || r.top < box.top - 1 || r.bottom > box.bottom + 1)
      found.push(['outside', text.textContent]);
    for (const [other, q] of seen)
      if (r.left < q.right - 1 && q.left < r.right - 1 && r.top < q.bottom - 3 && q.top < r.bottom - 3)
        found.push(['overlap', text.textContent, other]);
    seen.push([text.textContent, r]);
  }
}
return found;
"""
