"""fasttext_words: the tables answer for texts what fastText answers for the lines of the definition."""

from __future__ import annotations

import functools
import itertools
import struct
from collections.abc import Sequence
from pathlib import Path

import fasttext
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.core.errors import DataError
from mathcode_data.core.storage import sha256_file
from mathcode_data.stages.score.classifier_text import classifier_line
from mathcode_data.stages.score.fasttext_file import read_model_facts
from mathcode_data.stages.score.fasttext_lines import thinned
from mathcode_data.stages.score.fasttext_words import WordModel, _in_lower_case
from support.classifier import MATH, OTHER, texts
from support.stages import documents, run_map

ODD = list("ab\\19é²数学の \n\t\x00\ud800_,.{}İΣς\u0301①A９½\u3000\U0001d465")
CLASSES = {"math": MATH, "other": OTHER, "third": [*MATH[:4], *OTHER[:4]]}
SETTINGS = [(1, 2, False), (1, 2, True), (2, 3, True), (3, 2, False), (3, 2, True)]
TOLERANCE = 1e-5
"""fastText adds up float32 numbers, some thousand of them here, the tables float64 ones."""


def odd_texts(number: int) -> list[str]:
    random = np.random.default_rng(7)
    found = ["".join(random.choice(ODD, random.integers(0, 60))) for _ in range(number)]
    return found + ["".join(map(chr, random.integers(0, 0x3100, random.integers(0, 60)))) for _ in range(number)]


def line_of(text: str, is_thinned: bool, max_characters: int) -> str:
    line = classifier_line(text, max_characters)
    return thinned(line) if is_thinned else line


@functools.cache
def models(folder: Path, max_ngram: int, num_labels: int, is_thinned: bool) -> tuple[fasttext.FastText._FastText, WordModel]:
    """A model of fastText's, learned also from odd characters, and ours of the same file."""
    train, path = folder / "train.txt", folder / f"{max_ngram}-{num_labels}-{is_thinned}.bin"
    with train.open("w") as file:
        for label in list(CLASSES)[:num_labels]:
            for text in [*texts(CLASSES[label], 60, 1), *odd_texts(150)]:
                file.write(f"__label__{label} {line_of(text, is_thinned, 1000)}\n")
    keys = {"dim": 16, "bucket": 503, "thread": 12, "verbose": 0, "lr": 0.7, "minCount": 2}
    fasttext.train_supervised(str(train), wordNgrams=max_ngram, **keys).save_model(str(path))
    return fasttext.load_model(str(path)), WordModel(path, read_model_facts(path), "math")


def wanted(model: fasttext.FastText._FastText, lines: Sequence[str]) -> list[float]:
    """fastText's own answers; 0 for a line that says nothing to it."""
    labels, shares = model.f.multilinePredict([f"{line}\n" for line in lines], -1, 0.0, "strict")
    answers = [dict(zip(names, values, strict=True)) for names, values in zip(labels, shares, strict=True)]
    return [min(1.0, answer["__label__math"]) if line and answer else 0.0 for line, answer in zip(lines, answers, strict=True)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.mark.parametrize(("max_ngram", "num_labels", "is_thinned"), SETTINGS)
def test_tables_answer_as_fasttext_does(max_ngram: int, num_labels: int, is_thinned: bool, folder: Path):
    theirs, ours = models(folder, max_ngram, num_labels, is_thinned)
    asked = [*texts([*MATH, *OTHER, "unseen", "a", "b"], 60, 3), *odd_texts(600), "", " ", "\n", "Let \\(x\\) " * 200]
    lines = [line_of(text, is_thinned, 10_000) for text in asked]
    expected = wanted(theirs, lines)
    found, num_unknown = ours.scores(asked, 10_000, is_thinned=is_thinned)
    assert np.abs(found - expected).max() < TOLERANCE
    assert num_unknown == sum(share == 0.0 for share in expected)
    assert 0.0 in expected
    assert np.ptp(expected) > 0.1  # threads race in the training, so models differ from run to run


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(st.lists(st.sampled_from(ODD), max_size=20).map("".join), st.text(max_size=12)), max_size=6),
    st.sampled_from(SETTINGS),
    st.integers(1, 30),
)
def test_tables_answer_for_any_text(folder: Path, documents: list[str], chosen: tuple[int, int, bool], max_characters: int):
    theirs, ours = models(folder, *chosen)
    found, _ = ours.scores(documents, max_characters, is_thinned=chosen[2])
    expected = wanted(theirs, [line_of(text, chosen[2], max_characters) for text in documents])
    assert found == pytest.approx(expected, abs=TOLERANCE)


def test_every_code_point_beside_letters_digits_and_commands(folder: Path):
    theirs, ours = models(folder, 3, 2, False)
    asked = [f"xb{chr(i)}y1{chr(i)}2\\ab{chr(i)}a" for i in range(0, 0x110000, 37)] + [f"\\{chr(i)}{chr(i)}b" for i in range(0x3000)]
    found, _ = ours.scores(asked, 100, is_thinned=False)
    assert np.abs(found - wanted(theirs, [classifier_line(text) for text in asked])).max() < TOLERANCE


def test_the_order_of_texts_and_what_came_before_change_nothing(folder: Path):
    _, ours = models(folder, 3, 2, True)
    asked = [*odd_texts(40), *texts(MATH, 20, 5)]
    alone = [ours.scores([text], 1000, is_thinned=True)[0][0] for text in asked]
    assert ours.scores(asked[::-1], 1000, is_thinned=True)[0].tolist() == alone[::-1]
    assert ours.scores([], 1000, is_thinned=True)[0].size == 0


def test_parts_that_do_not_fit_together_are_refused(folder: Path, tmp_path: Path):
    models(folder, 3, 2, False)
    content = (folder / "3-2-False.bin").read_bytes()
    facts = read_model_facts(folder / "3-2-False.bin")
    path = tmp_path / "odd.bin"
    swapped = bytearray(content)
    swapped[swapped.index(b"\0", facts.entries_at) + 9] = 1
    swapped[facts.matrices_at - 1] = 0
    path.write_bytes(swapped)
    with pytest.raises(DataError, match="a label stands among the words"):
        WordModel(path, facts, "math")
    fewer = bytearray(content)
    at = facts.matrices_at + 1
    rows, dim = struct.unpack_from("<2q", fewer, at)
    struct.pack_into("<2q", fewer, at, rows - 1, dim)
    path.write_bytes(bytes(fewer[: at + 16]) + bytes(fewer[at + 16 + 4 * dim :]))
    with pytest.raises(DataError, match=r"rows for .* words and 503 buckets"):
        WordModel(path, facts, "math")


def test_a_row_that_is_no_number_is_refused_also_where_no_probe_meets_it(folder: Path, tmp_path: Path):
    theirs, _ = models(folder, 1, 2, False)
    content = bytearray((folder / "1-2-False.bin").read_bytes())
    at = read_model_facts(folder / "1-2-False.bin").matrices_at + 17 + 4 * 16 * theirs.words.index("theorem")
    path = tmp_path / "bad.bin"
    for bad in (np.nan, np.inf):
        content[at + 8 : at + 12] = np.float32(bad).tobytes()
        path.write_bytes(content)
        with pytest.raises(DataError, match="1 of its rows hold NaN or infinity"):
            run_map("score.fasttext", documents(["lemma"]), model={"path": str(path), "sha256": sha256_file(path)})


def test_lower_case_is_pythons_for_every_character_and_for_sigmas():
    texts = ["".join(map(chr, range(first, first + 0x400))) for first in range(0, 0x110000, 0x400)]
    texts += ["ΣΑΣ ΣΑΣ. Σ", "İSTANBUL", "\u212a\u2126Ⱥẞ", "ÄÖÜ ЖЩ Ǆǅǆ", "", "AΣ"]
    found_B, ends_N = _in_lower_case([text.encode("utf-8", "surrogatepass") for text in texts])
    assert found_B.tobytes() == "".join(text.lower() for text in texts).encode("utf-8", "surrogatepass")
    assert ends_N.tolist() == list(itertools.accumulate(len(text.lower().encode("utf-8", "surrogatepass")) for text in texts))
