"""No damage goes unseen, and what is found is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mathcode_data.core.errors import DataError
from mathcode_data.core.manifest import self_hash
from mathcode_data.core.storage import read_json, sha256_file, write_json
from mathcode_data.mixture import verify as verify_module
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.verify import verify_mixture


@pytest.fixture
def mixture(build, make_recipe, tmp_path: Path) -> Path:
    build(make_recipe())
    return tmp_path / "mixture"


def sign(folder: Path, **changes) -> None:
    """Edit mixture.json as somebody would who also sets its hashes right."""
    info = read_json(folder / "mixture.json") | changes
    for name in info["files"]:
        info["files"][name] = {"bytes": (folder / name).stat().st_size, "sha256": sha256_file(folder / name)}
    write_json(folder / "mixture.json", info | {"self_hash": self_hash(info)})


@pytest.mark.parametrize("blend", ["lattice", "megatron"])
@pytest.mark.parametrize("across", ["disjoint", "repeat"])
@pytest.mark.parametrize("full", [False, True])
def test_a_sound_mixture_has_no_problem(build, make_recipe, tmp_path: Path, blend: str, across: str, full: bool):
    build(make_recipe(blend=blend, across_stages=across))
    assert verify_mixture(tmp_path / "mixture", full=full) == []


@pytest.mark.parametrize("name", ["mixture.json", "dataset_index.npy", "dataset_sample_index.npy"])
def test_every_flipped_byte_of_the_mixture_is_found_and_its_file_named(monkeypatch, build, make_recipe, tmp_path: Path, name: str):
    mixture = tmp_path / "mixture"
    build(make_recipe(stages=[{"name": "one", "tokens": {"code": 48, "math": 24}}]))
    monkeypatch.setattr(verify_module, "check_shard", lambda *arguments: None)
    monkeypatch.setattr(verify_module, "TokenShard", lambda prefix: open("/dev/null"))  # noqa: SIM115, PTH123  (closed by verify)
    path = mixture / name
    sound = path.read_bytes()
    for offset in range(len(sound)):
        path.write_bytes(sound[:offset] + bytes([sound[offset] ^ 0x09]) + sound[offset + 1 :])
        problems = verify_mixture(mixture)
        assert problems, f"byte {offset} of {name}"
        assert name in problems[0]


@pytest.mark.parametrize("suffix", [".bin", ".idx"])
def test_every_flipped_byte_of_a_small_shard_is_found_and_its_file_named(mixture: Path, shards: Path, suffix: str):
    path = shards / "math" / f"math-00000{suffix}"
    sound = path.read_bytes()
    for offset in range(0, len(sound), 23):
        path.write_bytes(sound[:offset] + bytes([sound[offset] ^ 1]) + sound[offset + 1 :])
        assert "math-00000" in verify_mixture(mixture)[0]
    path.unlink()
    (problem,) = verify_mixture(mixture)
    assert f"math-00000{suffix}: missing; source 'math' has " in problem


def test_shards_that_are_gone_are_one_line_a_source_and_hide_nothing(mixture: Path, shards: Path):
    (shards / "code").rename(shards / "moved")
    (shards / "math" / "math-00000.idx").unlink()
    path = mixture / "dataset_index.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    for full in (False, True):
        code, math, index = verify_mixture(mixture, full=full)[:3]
        assert "code-00000.bin: missing, the first of 2 such shards; source 'code' has 2 shards; were they moved" in code
        assert "math-00000.idx: missing; source 'math' has 1 shard; were they moved" in math
        assert "other bytes" not in code + math
        assert "dataset_index.npy: sha256 differs" in index


def test_a_byte_between_the_samples_of_a_large_shard_is_found_by_full(monkeypatch, build, make_recipe, source_writer, tmp_path: Path):
    from mathcode_data.shards import fingerprint

    monkeypatch.setattr(fingerprint, "BLOCK_BYTES", 16)
    folder = source_writer(tmp_path / "large", "large", [4000])
    build(make_recipe(sources={"large": {"shards": str(folder)}}, stages=[{"name": "one", "tokens": {"large": 80}}]))
    path = folder / "large-00000.bin"
    content = bytearray(path.read_bytes())
    content[300] ^= 1
    path.write_bytes(content)
    assert verify_mixture(tmp_path / "mixture") == []
    assert "large-00000.bin: sha256 differs" in verify_mixture(tmp_path / "mixture", full=True)[0]


def test_swapped_rows_with_right_hashes_break_the_order(mixture: Path):
    path = mixture / "dataset_sample_index.npy"
    windows = np.load(path)
    windows[[40, 41]] = windows[[41, 40]]
    np.save(path, windows)
    sign(mixture)
    problems = verify_mixture(mixture)
    assert len(problems) == 2
    assert "dataset_sample_index.npy: sample 40:" in problems[0]


def test_another_source_with_right_hashes_breaks_the_counts(mixture: Path):
    path = mixture / "dataset_index.npy"
    sources = np.load(path)
    sources[200] = 1 - sources[200]
    np.save(path, sources)
    sign(mixture)
    problems = verify_mixture(mixture)
    assert any("stage 'two': " in problem and "its quota is" in problem for problem in problems)
    assert any("dataset_index.npy: sample 200:" in problem for problem in problems)
    sources[200] = 9
    np.save(path, sources)
    sign(mixture)
    assert any("sample 200: source 9 of 2" in problem for problem in verify_mixture(mixture))


def test_a_record_that_contradicts_itself_is_found(mixture: Path):
    info = read_json(mixture / "mixture.json")
    info["stages"][1]["first_sample"] = 151
    sign(mixture, stages=info["stages"])
    assert "stage 'two': samples 151 + 125, its sources add up to 150 + 125" in verify_mixture(mixture)[0]
    sign(mixture, stages=[{"name": "x"}])
    assert "not what a build writes" in verify_mixture(mixture)[0]


def test_a_type_of_tokens_that_is_none_is_told_before_a_sample_is_read(mixture: Path):
    """Fuzzing found it: numpy's TypeError came out of the dataset."""
    sources = read_json(mixture / "mixture.json")["sources"]
    sources[0]["token_dtype"] = "../../etc/passwd"
    sign(mixture, sources=sources)
    assert "token_dtype" in verify_mixture(mixture)[0]
    with pytest.raises(DataError, match="token_dtype"):
        MixtureDataset(mixture)


def test_epochs_that_repeat_a_window_are_found(mixture: Path, monkeypatch):
    """As a bug of ours in the permutation would make them: the order agrees with itself and still breaks the law."""
    from mathcode_data.mixture.draws import Draws

    windows = Draws.windows

    def broken(self, first, stop):
        found = windows(self, first, stop)
        found[found == 3] = 4
        return found

    monkeypatch.setattr(Draws, "windows", broken)
    plan = verify_module.Plan(read_json(mixture / "mixture.json"))
    assert any("epoch 0 repeats a window or trains on a held-out one" in problem for problem in verify_module.check_epochs(mixture, plan))
    held = plan.draws(0, 1).holdout()[0]

    def leaking(self, first, stop):
        found = windows(self, first, stop)
        found[:1] = held
        return found

    monkeypatch.setattr(Draws, "windows", leaking)
    assert any("source 'math'" in problem for problem in verify_module.check_epochs(mixture, plan))


def test_sampled_blocks_cover_first_and_last_rows(monkeypatch, mixture: Path):
    monkeypatch.setattr(verify_module, "SAMPLED_BLOCKS", 3)
    monkeypatch.setattr(verify_module, "SAMPLED_ROWS", 5)
    plan = verify_module.Plan(read_json(mixture / "mixture.json"))
    spans = [(first, rows[0].size) for first, rows in verify_module._sampled(plan)]
    assert spans == [(0, 5), (72, 5), (145, 5), (150, 5), (210, 5), (270, 5)]
    monkeypatch.setattr(verify_module, "SAMPLED_BLOCKS", 100)
    assert sum(rows[0].size for _, rows in verify_module._sampled(plan)) == 275


def test_no_mixture_is_one_problem(tmp_path: Path):
    assert verify_mixture(tmp_path) == [f"{tmp_path}: no mixture.json: not a finished mixture; run build-mixture, or check the path"]
