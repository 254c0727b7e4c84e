"""Texts, scores, tokenizers and documents at their edges."""

from __future__ import annotations

import gzip
import json
import math
import random
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.recipe import Recipe
from mathcode_data.mixture.sources import source_from_paths
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.writer import ShardWriter
from mathcode_data.stages.extract.page import extract_page
from mathcode_data.stages.tokenize import tokenizer_file
from support.classifier import as_result
from support.stages import documents, make_result, run_global, run_map, run_source
from support.tokens import read_back, tokenize

ODD = {
    "NUL": ("a\0b c d", "ab c d"),
    "lone surrogate": ("a b \ud800 d", "a b \ufffd d"),
    "reversed pair": ("a \udc00\ud800 d", "a \ufffd\ufffd d"),
    "bidi": ("a \u202eb\u202c c", "a \u202eb\u202c c"),
    "byte order mark": ("\ufeffa b c", "a b c"),
    "CRLF": ("a\r\nb\rc", "a\nb\rc"),
    "private use": ("a \ue000 b", "a \ue000 b"),
    "NFD": ("e\u0301 \u1100\u1161 x", "é 가 x"),
    "NFC and NFD": ("é e\u0301", "é é"),
    "marks without a letter": ("\u0301" * 50 + " a", "\u0301" * 50 + " a"),
}


@pytest.fixture(scope="session")
def small_tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    random.seed(1)
    texts = [" ".join(random.choices(["let", "proof", "return", "x = 1\n", "证明"], k=20)) for _ in range(40)]
    outcome = run_global("learn.tokenizer", [make_result(folder / "in", [documents(texts)])], folder, vocab_size=300)
    return as_result(outcome, folder / "result", "tokenizer").folder


def test_odd_characters_become_what_is_documented_and_crash_nothing(tmp_path: Path, small_tokenizer: Path):
    """From a line of JSON through scores, deduplication and tokens: every text comes back as read.jsonl documents it."""
    lines = [json.dumps({"text": raw}) for raw, _ in ODD.values()]  # ASCII escapes, so that lone surrogates reach the reader
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n")
    table, _ = run_source("read.jsonl", tmp_path, paths=["in.jsonl"])
    assert table["text"].to_pylist() == [clean for _, clean in ODD.values()]
    for stage in ("score.language", "score.quality", "redact.secrets"):
        if stage == "redact.secrets":
            pytest.importorskip("detect_secrets", reason="the extra 'code' is not installed")
        scored, _ = run_map(stage, table)
        assert scored.num_rows == table.num_rows
    run_global("dedup.exact", [make_result(tmp_path / "exact", [table])], tmp_path / "dedup")
    run_global("dedup.minhash", [make_result(tmp_path / "minhash", [table])], tmp_path / "near")
    assert len(read_back(tokenize(tmp_path / "tokens", [table], small_tokenizer))) == table.num_rows


FORMULAS = {
    "open brace": r"\(\frac{a}{b\)",
    "closing brace": r"\(a}}} + b\)",
    "left without right": r"\(\left( x\)",
    "dangling script": r"\(x^_ y\)",
    "unknown command": r"\(\nosuchcommand{x}\)",
    "begin without end": r"\(\begin{pmatrix} 1 & 2\)",
    "lone backslash": "\\(a \\ \\)",
}
PAGE = "<html><head><script src='MathJax.js'></script></head><body><p>We see that {0} holds for all numbers of this kind.</p></body></html>"
HOSTILE = [
    "{" * 20_000, "\\frac" * 8_000, "\\left(" * 8_000, "$" * 30_000, "\\begin{a}" * 5_000, "\\(" * 20_000, "\\def\\a{\\a\\a}\\a" * 2_000,
    "x_" * 20_000, "%" * 30_000, "\\\\" * 20_000, "<math>" + "<mrow>" * 200 + "</math>", "<math>" + "<mi>x" * 5_000,
    "<math><mfrac><mi>a</mfrac></math>", "<math><msup></msup><mtable><mtr/></mtable></math>",
]  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_malformed_formulas_stay_on_the_page(formula: str):
    page = extract_page(PAGE.format(formula).encode())
    assert page.error == ""
    assert "We see that" in page.text
    assert "holds for all numbers" in page.text
    inner = formula[2:-2].strip()
    assert inner.split("{")[0].rstrip("\\ ").strip() in page.text


def test_malformed_formulas_are_kept_and_take_linear_time():
    """Twice the input costs about twice the time: a pattern that is quadratic costs four times as much."""

    def seconds(content: bytes) -> float:
        start = time.process_time()
        extract_page(content)
        return time.process_time() - start

    for text in HOSTILE:
        once, twice = PAGE.format(text).encode(), PAGE.format(text * 2).encode()
        first = min(seconds(once) for _ in range(2))
        if first > 0.02:  # below it, noise decides
            assert min(seconds(twice) for _ in range(2)) < 3.4 * first, text[:20]
        assert first < 2, text[:20]


@settings(max_examples=60)
@given(st.text(alphabet="ab{}\\$^_&%<>/()[] \n", max_size=60))
def test_any_mix_of_formula_characters_gives_a_page(text: str):
    page = extract_page(PAGE.replace("{0}", text).encode())
    assert page.error or page.text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_a_score_that_is_no_finite_number_decides_nothing(tmp_path: Path, value: float | None):
    table = documents(["a", "b"], score_math=[0.5, value])
    with pytest.raises(DataError, match=r"document 0+1: score_math is .*finite number"):
        run_map("select.threshold", table, column="score_math", min=0.1)
    with pytest.raises(DataError, match="score_math is"):
        run_global("select.top_tokens", [make_result(tmp_path / "in", [table])], tmp_path, column="score_math", tokens=3)


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_tokenizer_that_unpacks_beyond_the_limit_is_refused_before_it_is_loaded(tmp_path: Path, monkeypatch, is_packed: bool):
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a file beyond the limit was given to the library")

    monkeypatch.setattr(tokenizer_file, "MAX_FILE_BYTES", 100_000)
    monkeypatch.setattr(tokenizer_file, "run_in_child", never)
    content = b'{"version": "1.0", "padding": "' + b"x" * 100_000 + b'"}'
    path = tmp_path / "tokenizer.json"
    path.write_bytes(gzip.compress(content) if is_packed else content)
    with pytest.raises(DataError, match=r"tokenizer\.json: more than 100,000 bytes unpacked"):
        tokenize(tmp_path / "out", [documents(["a"])], path)


def build(folder: Path, shards: Path, tokens: int) -> MixtureDataset:
    recipe = Recipe.model_validate({
        "name": "edges", "seed": 1, "sequence_length": 8, "sources": {"code": {"shards": str(shards)}},
        "stages": [{"name": "one", "tokens": {"code": tokens}}],
    })  # fmt: skip
    build_mixture(recipe, [source_from_paths("code", [shards])], folder)
    return MixtureDataset(folder)


def test_documents_of_no_text_of_an_end_alone_and_beyond_the_row_keep_their_edges(tmp_path: Path, small_tokenizer: Path):
    """Documents of 0 and 1 token and of three rows, side by side: every edge stands where a document begins."""
    end, lengths = 0, [1, 30, 0, 1, 1, 7, 0, 26, 1]
    (tmp_path / "shards").mkdir()
    with ShardWriter(tmp_path / "shards" / "code", np.uint16) as writer:
        for number, length in enumerate(lengths):
            writer.add(np.array([*[number + 1] * (length - 1), end][:length], dtype=np.int64))
    with TokenShard(tmp_path / "shards" / "code") as shard:
        assert [shard.document(number).size for number in range(shard.num_documents)] == lengths
        tokens = shard.tokens(0, shard.num_tokens).copy()
    starts = set(np.cumsum([0, *lengths]).tolist())
    dataset = build(tmp_path / "concat", tmp_path / "shards", 64)
    windows = sorted((dataset[number] for number in range(8)), key=lambda sample: sample["tokens"].tobytes())
    seen = set()
    for sample in windows:
        begin = next(at for at in range(0, 64, 8) if at not in seen and (tokens[at : at + 9] == sample["tokens"]).all())
        seen.add(begin)
        inside = {place - begin for place in starts if begin < place < begin + 9}
        found = {int(place) for place in sample["document_starts"]} - {0}
        assert found == inside, begin
    outcome = tokenize(tmp_path / "tokens", [documents(["", "a", "", "b" * 40, ""])], small_tokenizer)
    assert [len(ids) >= 2 for _, ids in read_back(outcome)] == [True, True], "documents without text make no token, not even an end"
    with pytest.raises((DataError, ConfigError), match="no document|text"):
        tokenize(tmp_path / "nothing", [documents(["", ""])], small_tokenizer)
