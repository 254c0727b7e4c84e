"""Tokens as text: boundaries, special ids, characters of several tokens, and whose tokenizer is believed."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError, DataError, VerificationError
from mathcode_data.inspect.decode import decode_document, decode_sample, sample_text
from mathcode_data.shards import tokenizer_bytes


@pytest.mark.parametrize(("document", "shard", "text", "marked"), [
    (0, "toy-00000", "a+b", "a│+│b│<|eos:0|>"),
    (1, "toy-00000", "数学!", "数│学│!│<|eos:0|>"),
    (2, "toy-00001", "é", "é│<|eos:0|>"),
])  # fmt: skip
def test_our_result_is_decoded_with_its_own_tokenizer(make_tokens, document: int, shard: str, text: str, marked: str):
    """数 and 学 are three tokens each, é two: a bar stands only where a character ends."""
    found = decode_document(make_tokens(), document)
    assert (found["shard"], found["document"], found["text"], found["marked"]) == (shard, document, text, marked)
    assert found["num_tokens"] == len(found["ids"]) == len(text.encode()) + 1


def test_a_character_cut_off_is_shown_as_such(tmp_path: Path, tokenizer, foreign: Path):
    from mathcode_data.shards.writer import ShardWriter

    tokenizer.save(str(tmp_path / "t.json"))
    with ShardWriter(tmp_path / "cut", "uint16") as writer:
        writer.add([*tokenizer.encode("数").ids[:2], 0])
    assert decode_document(tmp_path / "cut", 0, tmp_path / "t.json")["marked"] == "\ufffd│<|eos:0|>"


@pytest.mark.parametrize("is_packed", [False, True])
def test_shards_from_elsewhere_need_a_tokenizer(tmp_path: Path, foreign: Path, tokenizer, is_packed: bool):
    with pytest.raises(ConfigError, match="name theirs with --tokenizer"):
        decode_document(foreign, 0)
    file = tmp_path / "t.json"
    tokenizer.save(str(file))
    if is_packed:
        file.write_bytes(gzip.compress(file.read_bytes()))
    for path in (foreign, foreign / "toy-00000", foreign / "toy-00000.bin"):
        assert decode_document(path, 1, file)["text"] == "数学!"
    (foreign / "manifest.json").write_text('{"of": "another program"}')
    file.rename(foreign / "tokenizer.json")
    assert decode_document(foreign, 1)["text"] == "数学!"


def test_no_such_document_is_named(make_tokens):
    with pytest.raises(ConfigError, match="document 3 of 3; numbers begin at 0"):
        decode_document(make_tokens(), 3)


def test_a_tokenizer_changed_after_the_result_was_finished_is_refused(make_tokens):
    folder = make_tokens()
    file = folder / "tokenizer.json"
    sound = file.read_bytes()
    file.write_bytes(sound.replace(b"<|eos|>", b"<|bos|>"))
    for path in (folder, folder / "toy-00000"):
        with pytest.raises(DataError, match=r"tokenizer.json: .*manifest"):
            decode_document(path, 0)
    file.write_bytes(sound)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("tokenize", "tokenise"))
    with pytest.raises(VerificationError, match="self_hash"):
        decode_document(folder, 0)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"\x1f\x8b", b"\x1f\x8bgarbage", gzip.compress(b"{}" * 99, mtime=0)[:-9], b"\xff\xfe"]
)
def test_a_file_that_is_no_tokenizer_is_refused_by_name(tmp_path: Path, foreign: Path, content: bytes):
    (tmp_path / "t.json").write_bytes(content)
    with pytest.raises(DataError, match=r"t\.json: "):
        decode_document(foreign, 0, tmp_path / "t.json")


def test_a_small_file_that_unpacks_to_any_size_is_refused(monkeypatch, tmp_path: Path, foreign: Path):
    monkeypatch.setattr(tokenizer_bytes, "MAX_TOKENIZER_BYTES", 10_000)
    bomb = gzip.compress(b" " * 10_000_000)
    (tmp_path / "t.json").write_bytes(bomb)
    assert len(bomb) < 10_000
    with pytest.raises(DataError, match=r"t\.json: more than 10,000 bytes, unpacked"):
        decode_document(foreign, 0, tmp_path / "t.json")


def small(tokenizer, path: Path) -> Path:
    """The tokenizer without its last hundred ids."""
    import json

    data = json.loads(tokenizer.to_str())
    data["model"]["vocab"] = {token: number for token, number in data["model"]["vocab"].items() if number < 157}
    path.write_text(json.dumps(data))
    return path


def test_a_tokenizer_that_is_too_small_is_named_with_the_id_it_lacks(tmp_path: Path, foreign: Path, mixture: Path, tokenizer):
    """It decoded to nothing, or to half of the text, without a word."""
    file = small(tokenizer, tmp_path / "t.json")
    with pytest.raises(DataError, match=r"document 1: token \d+ is id \d+, the tokenizer knows ids 0\.\.156: it is not the one"):
        decode_document(foreign, 1, file)
    with pytest.raises(DataError, match=r"sample \d+: document \d of toy-0000\d: token \d+ is id"):
        for position in range(3):
            decode_sample(mixture, position, file)


def test_another_tokenizer_than_that_of_our_result_is_refused(make_tokens, tokenizer, tmp_path: Path):
    from mathcode_data.core.storage import sha256_file

    same, other = tmp_path / "same.json", small(tokenizer, tmp_path / "other.json")
    tokenizer.save(str(same))
    folder = make_tokens(facts={"tokenizer_sha256": sha256_file(same)})
    assert decode_document(folder, 0, same)["text"] == "a+b"
    (tmp_path / "packed.json.gz").write_bytes(gzip.compress(same.read_bytes()))
    assert decode_document(folder, 0, tmp_path / "packed.json.gz")["text"] == "a+b"
    with pytest.raises(DataError, match=r"other\.json: sha256 .* was made with the tokenizer of sha256"):
        decode_document(folder, 0, other)


def test_a_document_is_named_by_its_number_or_its_id(pipeline_folder: Path):
    from mathcode_data.inspect.explain import explain

    shards = pipeline_folder / "out" / "math"
    entry = explain(shards, url="https://www.example.org/cut.html")[0]
    by_id = decode_document(shards, entry["document"]["doc_id"])
    assert by_id == decode_document(shards, entry["tokens"]["document"]) == decode_document(shards, str(entry["tokens"]["document"]))
    assert by_id["text"].startswith("An introduction that nobody else has written.")
    with pytest.raises(ConfigError, match="no document with doc_id 'abc'"):
        decode_document(shards, "abc")


def test_an_id_needs_a_table_of_documents(foreign: Path, tokenizer, tmp_path: Path):
    tokenizer.save(str(tmp_path / "t.json"))
    with pytest.raises(ConfigError, match="no table of documents beside the shards"):
        decode_document(foreign, "f" * 32, tmp_path / "t.json")


def test_a_sample_is_its_documents_with_their_borders(pipeline_mixture: Path, tokenizer):
    from mathcode_data.mixture.dataset import MixtureDataset

    with MixtureDataset(pipeline_mixture) as mixture:
        assert any(len(decode_sample(pipeline_mixture, position)["documents"]) > 1 for position in range(len(mixture)))
        for position in range(len(mixture)):
            found, tokens = decode_sample(pipeline_mixture, position), mixture.sample(position).tokens.tolist()
            assert [token for document in found["documents"] for token in document["ids"]] == tokens
            assert found["num_tokens"] == len(tokens) == 129
            text = sample_text(found)
            for document in found["documents"]:
                begin, end = document["in_sample"]
                assert f"--- tokens {begin} to {end}: document {document['document']}" in text
                assert document["marked"].endswith("<|eos:0|>") == (document["tokens"][1] <= found["tokens"][1])
                assert document["url"].startswith("https://www.example.org/")
            first = found["documents"][0]
            assert ("began before" in text) == (first["tokens"][0] < found["tokens"][0])


def test_a_sample_of_foreign_shards_needs_a_tokenizer(mixture: Path, tokenizer, tmp_path: Path):
    with pytest.raises(ConfigError, match="name theirs with --tokenizer"):
        decode_sample(mixture, 0)
    tokenizer.save(str(tmp_path / "t.json"))
    assert decode_sample(mixture, 0, tmp_path / "t.json")["num_tokens"] == 3
