"""score.fasttext: a model that is not what was promised is refused before any work, and every document gets a number in [0, 1]."""

import fasttext
import numpy as np
import pyarrow as pa
import pytest

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.storage import sha256_file, write_json
from mathcode_data.stages.score.fasttext_file import read_model_facts
from support.classifier import MATH, OTHER, as_result, learn, table_of
from support.stages import documents, run_map


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    return as_result(learn(folder), folder / "result", "model")


def test_scores_are_probabilities_that_tell_the_classes_apart(model):
    table = pa.concat_tables([table_of(MATH, 20, 8), table_of(OTHER, 20, 9)])
    out, _ = run_map("score.fasttext", table, model=str(model.folder))
    scores = np.array(out["score_math"].to_pylist())
    assert out.schema.field("score_math").type == pa.float64()
    assert out.drop_columns("score_math").equals(table)
    assert scores.min() >= 0.0
    assert scores.max() <= 1.0
    assert (scores[:20] > 0.5).all()
    assert (scores[20:] < 0.5).all()
    again, _ = run_map("score.fasttext", table.take(list(range(39, -1, -1))), model=str(model.folder))
    assert again["score_math"].to_pylist() == scores[::-1].tolist()


def test_both_labels_sum_to_one_and_the_column_can_be_named_and_replaced(model):
    table = table_of(MATH, 5, 8)
    for _ in range(2):
        table, _ = run_map("score.fasttext", table, model=str(model.folder), label="__label__other", column="score_other")
    table, _ = run_map("score.fasttext", table, model=str(model.folder))
    assert table.column_names[-2:] == ["score_other", "score_math"]
    # fastText adds 1e-5 to each probability before its logarithm
    assert np.allclose(np.array(table["score_other"]) + np.array(table["score_math"]), 1.0, atol=3e-5)


def test_odd_texts_get_a_defined_score(model):
    texts = [
        "", " \n", None, "theorem\nproof", "theorem proof", "theorem proof __label__other", "\x00", "qqqq zzzz",
        "theorem proof\n" * 99,
    ]  # fmt: skip
    out, ledger = run_map("score.fasttext", documents(texts), model=str(model.folder))
    scores = out["score_math"].to_pylist()
    assert scores[0] == scores[1] == scores[2] == scores[6] == 0.0
    assert scores[3] == scores[4] > 0.5
    assert scores[5] == scores[4], "a label written in a text must not count as one"
    assert ledger.counters.facts["texts_without_known_words"] == 4
    assert all(0.0 <= score <= 1.0 for score in scores)


@pytest.mark.parametrize("written", ["__label__math", "__label__other", "__label__other" * 9, "__label__", "__label__定理,"])
def test_a_label_in_a_text_has_no_effect_on_its_score(model, written):
    plain = ["theorem proof", "the price of a house", "定理 theorem", "word " * 4_000]
    marked = [text.replace(" ", f" {written} ", 1) for text in plain] + [f"{written}\n{plain[0]}", f"{plain[1]}{written}"]
    out, _ = run_map("score.fasttext", documents(plain + marked), model=str(model.folder))
    scores = out["score_math"].to_pylist()
    assert scores[4:] == [*scores[:4], *scores[:2]]


def test_bytes_that_are_no_utf8_are_scored_and_counted(model):
    table = documents(["theorem", "proof"])
    raw = pa.array([b"theorem \xed\xa0\x80 lemma", b"proof"], pa.large_binary())
    text = pa.Array.from_buffers(pa.large_string(), 2, raw.buffers())
    out, ledger = run_map("score.fasttext", table.set_column(3, "text", text), model=str(model.folder))
    assert out["score_math"][0].as_py() > 0.5
    assert ledger.counters.facts["invalid_utf8"] == 1


def test_an_empty_table_gets_the_column_and_loads_nothing(model):
    out, _ = run_map("score.fasttext", documents([]), model=str(model.folder / "nowhere"))
    assert out.schema.field("score_math").type == pa.float64()


def test_a_cut_or_changed_model_is_refused_by_its_hash(model, tmp_path):
    for name in ("model.json", "manifest.json"):
        (tmp_path / name).write_bytes((model.folder / name).read_bytes())
    content = (model.folder / "model.bin").read_bytes()
    for bad in (content[: len(content) // 2], b"", content[:-1], content + b"\0", content[:100] + b"\1" + content[101:]):
        (tmp_path / "model.bin").write_bytes(bad)
        with pytest.raises(DataError, match=r"model\.bin has sha256 .* promised is .*; it was cut, damaged or replaced"):
            run_map("score.fasttext", documents(["a"]), model=str(tmp_path))


@pytest.mark.parametrize("keep", [0, 7, 40, 100, 500, -1, -1000])
def test_a_cut_model_is_refused_even_under_its_own_hash(model, tmp_path, keep):
    path = tmp_path / "cut.bin"
    content = (model.folder / "model.bin").read_bytes()
    path.write_bytes(content[:keep])
    with pytest.raises(DataError, match=r"cut|longer"):
        run_map("score.fasttext", documents(["a"]), model={"path": str(path), "sha256": sha256_file(path)})


def test_other_formats_and_trailing_bytes_are_refused(model, tmp_path):
    path = tmp_path / "odd.bin"
    for content, message in ((b"PK\3\4" * 99, "another format"), ((model.folder / "model.bin").read_bytes() + b"x", "damaged")):
        path.write_bytes(content)
        with pytest.raises(DataError, match=message):
            run_map("score.fasttext", documents(["a"]), model={"path": str(path), "sha256": sha256_file(path)})


def test_weights_that_are_no_numbers_are_refused_by_the_probe(model, tmp_path):
    content = bytearray((model.folder / "model.bin").read_bytes())
    content[-2 * 8 * 4 :] = np.full(16, np.nan, np.float32).tobytes()  # the output matrix: 2 labels, dim 8
    path = tmp_path / "nan.bin"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"NaN|nan"):
        run_map("score.fasttext", documents(["a"]), model={"path": str(path), "sha256": sha256_file(path)})


def test_a_single_file_without_hash_is_refused_and_told_its_hash(model):
    path = model.folder / "model.bin"
    with pytest.raises(ConfigError, match=rf"needs its hash beside it: \{{path: model.bin, sha256: {sha256_file(path)}\}}"):
        run_map("score.fasttext", documents(["a"]), model=str(path))


def test_a_label_the_model_lacks_and_other_settings_than_learned_are_refused(model, tmp_path):
    with pytest.raises(ConfigError, match=r"no label 'maths'; its labels: (math, other|other, math)"):
        run_map("score.fasttext", documents(["a"]), model=str(model.folder), label="maths")
    with pytest.raises(ConfigError, match="max_characters is 500, the model was learned with 10000"):
        run_map("score.fasttext", documents(["a"]), model=str(model.folder), max_characters=500)
    with pytest.raises(ConfigError, match="text is 'plain', the model was learned with 'words'"):
        run_map("score.fasttext", documents(["a"]), model=str(model.folder), text="plain")
    for name in ("model.bin", "manifest.json"):
        (tmp_path / name).write_bytes((model.folder / name).read_bytes())
    write_json(tmp_path / "model.json", {"text": "words", "max_characters": 10_000, "text_version": "0"})
    with pytest.raises(ConfigError, match="learn the model again"):
        run_map("score.fasttext", documents(["a"]), model=str(tmp_path))


@pytest.mark.slow
def test_a_quantised_model_from_elsewhere_is_read_to_its_last_byte(tmp_path):
    train = tmp_path / "train.txt"
    texts = {"a": table_of(MATH, 300, 1)["text"].to_pylist(), "b": table_of(OTHER, 300, 1)["text"].to_pylist()}
    train.write_text("".join(f"__label__{label} {text}\n" for label in texts for text in texts[label]))
    for qnorm in (False, True):
        model = fasttext.train_supervised(str(train), dim=8, bucket=1000, wordNgrams=2, thread=12, verbose=0, minCount=1, lr=0.5)
        model.quantize(qnorm=qnorm, qout=False)
        path = tmp_path / f"model-{qnorm}.ftz"
        model.save_model(str(path))
        assert set(read_model_facts(path).labels) == {"a", "b"}
        out, _ = run_map(
            "score.fasttext",
            documents([r"\frac theorem proof"]),
            model={"path": str(path), "sha256": sha256_file(path)},
            label="a",
            text="plain",
        )
        assert out["score_math"][0].as_py() > 0.5
        path.write_bytes(path.read_bytes()[:-3])
        with pytest.raises(DataError, match="cut"):
            read_model_facts(path)
