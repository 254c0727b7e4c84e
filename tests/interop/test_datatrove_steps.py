"""Our stages as steps of a datatrove pipeline: the documents that a stage keeps, in order, with its columns as metadata."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mathcode_data.core.errors import ConfigError, DataError, MathcodeError
from support.classifier import MATH, OTHER, as_result, learn, texts
from support.stages import documents, run_map

pytest.importorskip("datatrove", reason="the extra 'datatrove' is not installed")

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

from mathcode_data.interop.datatrove_steps import ExtractHtml, MathcodeStage, ScoreFastText, TokenizeToMegatron

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


def make_documents(scores: Sequence[float | None], **more: Any) -> list[Document]:
    documents = [Document(text=f"text {n}", id=f"id {n}", metadata={"url": f"https://a.org/{n}"} | more) for n, _ in enumerate(scores)]
    for document, score in zip(documents, scores, strict=True):
        document.metadata |= {} if score is None else {"score": score}
    return documents


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_a_stage_passes_on_what_it_keeps_in_order_whatever_the_batch(batch_size: int):
    step = MathcodeStage("select.threshold", {"column": "score", "min": 0.5}, batch_size)
    kept = list(step(iter(make_documents([0.9, 0.1, 0.5, 0.4, 0.7], tags=["a"]))))
    assert [document.id for document in kept] == ["id 0", "id 2", "id 4"]
    assert [document.text for document in kept] == ["text 0", "text 2", "text 4"]
    assert kept[1].metadata == {"url": "https://a.org/2", "score": 0.5, "tags": ["a"]}
    assert step.stats["dropped_below_min"].total == 2
    assert step.stats["forwarded"].total == 3


def test_texts_that_a_stage_changes_are_changed():
    out = list(MathcodeStage("support.toy_map", {"drop": "1"})(make_documents([0.0, 0.0, 0.0])))
    assert [document.text for document in out] == ["TEXT 0", "TEXT 2"]


def test_nothing_in_nothing_out():
    assert list(MathcodeStage("support.toy_map")(iter(()))) == []
    assert list(MathcodeStage("support.toy_map")(None)) == []


def test_metadata_of_mixed_types_stays_with_the_document():
    metadata: list[dict[str, Any]] = [{"x": 1, "n": 1, "big": 2**70}, {"x": "one", "n": 2.5}]
    given = [Document(text=f"text {n}", id=str(n), metadata=dict(values)) for n, values in enumerate(metadata)]
    step = MathcodeStage("support.toy_map", {})
    table = step.to_table(given)
    assert table.column_names == ["doc_id", "source", "url", "text", "_row", "n"]
    assert table["n"].to_pylist() == [1.0, 2.5]
    assert [document.metadata for document in step(given)] == metadata


@pytest.mark.parametrize(
    ("stage", "config", "message"),
    [
        ("select.treshold", {}, "did you mean 'select.threshold'"),
        ("select.threshold", {"colum": "a", "min": 1}, "select.threshold:1:1: unknown key 'colum'; did you mean 'column'"),
        ("select.threshold", {"column": "a"}, "a threshold needs min, max or both"),
        ("score.fasttext", {"model": {"stage": "model"}}, "there is no pipeline file here"),
    ],
)
def test_a_wrong_configuration_is_an_error_when_the_pipeline_is_written(stage: str, config: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        MathcodeStage(stage, config)


def test_errors_of_a_stage_come_through():
    with pytest.raises(DataError, match="no column 'score'"):
        list(MathcodeStage("select.threshold", {"column": "score", "min": 0.5})(make_documents([None])))
    with pytest.raises(MathcodeError, match="unaccounted for"):
        list(MathcodeStage("support.toy_map", {"drop": "1", "loses_rows": True})(make_documents([0, 0])))
    with pytest.raises(ConfigError, match="is no map stage"):
        list(MathcodeStage("support.toy_global")(make_documents([0])))


@pytest.mark.slow
def test_a_score_becomes_metadata_equal_to_our_own(tmp_path: Path):
    model = as_result(learn(tmp_path), tmp_path / "model", "model")
    lines = texts(MATH, 5, 8) + texts(OTHER, 5, 9)
    step = ScoreFastText(model=str(model.folder))
    out = list(step(Document(text=line, id=str(n)) for n, line in enumerate(lines)))
    ours, _ = run_map("score.fasttext", documents(lines), model=str(model.folder))
    assert [document.metadata["score_math"] for document in out] == ours["score_math"].to_pylist()


def test_pages_become_text_with_their_formulas():
    math = "<p>We know that <script type='math/tex'>a^2 + b^2 = c^2</script> holds for every triangle with a right angle.</p>"
    pages = [Document(text=text, id=str(n), metadata={"url": f"https://a.org/{n}"}) for n, text in enumerate([math, "", math])]
    out = list(ExtractHtml(min_characters=10)(pages))
    assert [document.id for document in out] == ["0", "2"]
    assert out[0].text == r"We know that \(a^2 + b^2 = c^2\) holds for every triangle with a right angle."
    assert out[0].metadata["num_formulas"] == 1
    assert "content" not in out[0].metadata


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small byte-level tokenizer, learned here."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tool = Tokenizer(models.BPE())
    tool.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tool.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=270, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet)
    tool.train_from_iterator(["a text of words"], trainer)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tool.save(str(path))
    return path


@pytest.mark.slow
def test_shards_hold_the_documents_in_order_with_an_end_each_and_decode_to_their_texts(tmp_path: Path, tokenizer: Path):
    from tokenizers import Tokenizer

    from mathcode_data.shards.documents_table import read_documents_table
    from mathcode_data.shards.reader import TokenShard

    texts = ["a text", "", "naïve 数 <|endoftext|>"]
    given = [Document(text=text, id=str(n), metadata={"url": f"https://a.org/{n}"}) for n, text in enumerate(texts)]
    out = list(TokenizeToMegatron(tmp_path / "out", tokenizer, batch_size=2, name="math")(given, rank=3))
    assert [document.id for document in out] == ["0", "1", "2"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "math-00003.bin", "math-00003.documents.parquet", "math-00003.idx", "tokenizer.json",
    ]  # fmt: skip
    tool = Tokenizer.from_file(str(tokenizer))
    with TokenShard(tmp_path / "out" / "math-00003") as shard:
        first, second = (shard.document(number).tolist() for number in range(shard.num_documents))
    assert [ids.count(tool.token_to_id("<|endoftext|>")) for ids in (first, second)] == [1, 1], "the end, never one from the text"
    assert [tool.decode(ids[:-1]) for ids in (first, second)] == [texts[0], texts[2]]
    assert [document.metadata["token_count"] for document in out] == [len(first), 0, len(second)]
    rows = read_documents_table(tmp_path / "out" / "math-00003.documents.parquet")
    assert [(row["url"], row["token_start"], row["num_tokens"]) for row in rows] == [
        ("https://a.org/0", 0, len(first)), ("https://a.org/2", len(first), len(second)),
    ]  # fmt: skip


@pytest.mark.slow
def test_a_rank_without_documents_or_cut_short_leaves_no_shard(tmp_path: Path, tokenizer: Path):
    step = TokenizeToMegatron(tmp_path, tokenizer, batch_size=1)
    assert list(step([])) == []
    running = step(Document(text="a text", id=str(n)) for n in range(5))
    next(running)
    running.close()
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.json"]


@pytest.mark.slow
def test_one_folder_holds_shards_of_one_tokenizer(tmp_path: Path, tokenizer: Path):
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigError, match="another tokenizer than .*give each tokenizer its own output folder"):
        list(TokenizeToMegatron(tmp_path, tokenizer)([Document(text="a", id="1")]))
    with pytest.raises(ConfigError, match="unknown key 'eos_tokn'; did you mean 'eos_token'"):
        TokenizeToMegatron(tmp_path, tokenizer, eos_tokn="x")


@pytest.mark.slow
def test_a_datatrove_pipeline_runs_our_stages_between_its_own(tmp_path: Path):
    (tmp_path / "in").mkdir()
    for rank in range(2):
        lines = [json.dumps({"text": f"text {n}", "id": f"{rank}-{n}", "score": n / 4}) for n in range(5)]
        (tmp_path / "in" / f"{rank}.jsonl").write_text("\n".join(lines))
    pipeline = [
        JsonlReader(str(tmp_path / "in")),
        MathcodeStage("select.threshold", {"column": "score", "min": 0.5}),
        MathcodeStage("support.toy_map", {"drop": "3"}),
        JsonlWriter(str(tmp_path / "out")),
    ]
    LocalPipelineExecutor(pipeline=pipeline, tasks=2, workers=1, logging_dir=str(tmp_path / "logs")).run()
    for rank in range(2):
        with gzip.open(tmp_path / "out" / f"{rank:05d}.jsonl.gz", "rt") as file:
            out = [json.loads(line) for line in file]
        assert [(row["id"], row["text"]) for row in out] == [(f"{rank}-2", "TEXT 2"), (f"{rank}-4", "TEXT 4")]
