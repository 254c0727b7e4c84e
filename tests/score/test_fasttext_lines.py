"""fasttext_lines: the fast lines are those of the definition, and the projected model answers as the model does."""

from __future__ import annotations

import fasttext
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.score.classifier_text import classifier_line
from mathcode_data.stages.score.fasttext_file import read_model_facts
from mathcode_data.stages.score.fasttext_lines import classifier_lines
from mathcode_data.stages.score.fasttext_projection import can_project, project
from support.classifier import MATH, OTHER, texts

ODD = list("ab\\19é²數学の \n\t\x00\ud800_,.{}İΣς\u0301①A９½\u3000\U0001d465")


@given(st.lists(st.one_of(st.lists(st.sampled_from(ODD), max_size=20).map("".join), st.text(max_size=12)), max_size=6), st.integers(1, 30))
def test_lines_are_those_of_the_definition(documents, max_characters):
    assert classifier_lines(documents, max_characters) == [classifier_line(text, max_characters) for text in documents]


def test_every_code_point_beside_letters_digits_and_commands():
    every = [f"x{chr(i)}y1{chr(i)}2\\ab{chr(i)}" for i in range(0, 0x110000, 7)]
    every += [f"\\{chr(i)}{chr(i)}z" for i in range(0x3000)]
    assert classifier_lines(every) == [classifier_line(text) for text in every]


def test_newlines_become_spaces_and_labels_in_a_text_go():
    assert classifier_lines(["a\nb\r\n__label__math\u2028c", "", "\n"]) == ["a b c", "", ""]


@pytest.mark.parametrize(("loss", "can"), [("softmax", True), ("ova", True), ("hs", False)])
def test_a_projected_model_answers_as_the_model(tmp_path, loss, can):
    train = tmp_path / "train.txt"
    lines = {
        label: classifier_lines(texts(words, 60, 1)) for label, words in (("math", MATH), ("other", OTHER), ("third", MATH[:4] + OTHER[:4]))
    }
    train.write_text("".join(f"__label__{label} {line}\n" for label in lines for line in lines[label]))
    path, smaller = tmp_path / "model.bin", tmp_path / "smaller.bin"
    fasttext.train_supervised(str(train), dim=16, bucket=500, wordNgrams=3, minn=2, maxn=3, thread=12, verbose=0, loss=loss).save_model(
        str(path)
    )
    facts = read_model_facts(path)
    assert can_project(facts) == can
    if not can:
        return
    project(path, facts, smaller)
    assert read_model_facts(smaller).dim == 3
    assert smaller.stat().st_size < path.stat().st_size / 2
    model, other = fasttext.load_model(str(path)), fasttext.load_model(str(smaller))
    asked = [*classifier_lines(texts([*MATH, *OTHER, "unseen"], 50, 3)), "", "unseen"]
    for one, two in zip(zip(*model.predict(asked, k=-1), strict=True), zip(*other.predict(asked, k=-1), strict=True), strict=True):
        found, wanted = (dict(zip(names, values, strict=True)) for names, values in (one, two))
        assert found.keys() == wanted.keys()
        assert np.allclose([found[name] for name in found], [wanted[name] for name in found], atol=1e-5)
