"""A built mixture is exact, names its causes, refuses what cannot be, and is whole or absent."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from mathcode_data.core.errors import ConfigError, DataError, ResourceError, VerificationError
from mathcode_data.core.storage import read_json
from mathcode_data.mixture import build as build_module
from mathcode_data.mixture import order, survey
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.lattice import rows
from mathcode_data.mixture.megatron import build_exhaustive_blending_indices
from mathcode_data.mixture.plan import Plan
from mathcode_data.mixture.planning import plan_mixture
from mathcode_data.mixture.recipe import load_recipe
from mathcode_data.mixture.sources import SourceInput, source_from_path, source_from_paths
from mathcode_data.shards.format import bin_path, idx_path
from mathcode_data.shards.writer import ShardWriter


def index_of(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    return np.load(folder / "dataset_index.npy"), np.load(folder / "dataset_sample_index.npy")


def test_counts_windows_and_epochs_are_exact(build, make_recipe, tmp_path: Path):
    """124 + 87 windows of code; 62 of math, 7 held out, so 55 to train on."""
    info = build(make_recipe())
    sources, windows = index_of(tmp_path / "mixture")
    assert (sources.dtype, windows.dtype, sources.size) == (np.dtype("<i2"), np.dtype("<i8"), 150 + 125)
    assert [stage["num_samples"] for stage in info["stages"]] == [150, 125]
    assert [stage["first_sample"] for stage in info["stages"]] == [0, 150]
    one, two = (stage["sources"] for stage in info["stages"])
    assert one["code"] == {"tokens_asked": 800, "tokens": 800, "num_samples": 100, "epochs": 100 / 211}
    assert one["math"] == {"tokens_asked": 400, "tokens": 400, "num_samples": 50, "epochs": 50 / 55}
    assert (two["code"]["num_samples"], two["math"]["num_samples"]) == (31, 94)
    assert (two["code"]["tokens_asked"], two["math"]["tokens_asked"]) == (250, 750)
    assert np.bincount(sources[:150]).tolist() == [100, 50]
    math = windows[sources == 1]
    held = set(range(62)) - set(math.tolist())
    assert len(held) == 7 == info["sources"][1]["holdout_windows"]
    for epoch in range(2):
        assert sorted(math[epoch * 55 : (epoch + 1) * 55].tolist()) == sorted(set(range(62)) - held)
    code = windows[sources == 0]
    assert len(set(code.tolist())) == code.size == 131


def test_the_order_is_the_closed_form(build, make_recipe, tmp_path: Path):
    build(make_recipe())
    plan = Plan(read_json(tmp_path / "mixture" / "mixture.json"))
    sources, windows = index_of(tmp_path / "mixture")
    assert sources[:150].tolist() == rows([100, 50], 0, 150)[0].tolist()
    for position in range(plan.num_samples):
        place = plan.place(position)
        assert (place.source, place.window) == (sources[position], windows[position])


def test_disjoint_stages_go_on_where_the_one_before_stopped(build, make_recipe, shards, tmp_path: Path):
    stages = [{"name": name, "tokens": {"code": 800}} for name in ("a", "b")]
    sources = {"code": {"shards": str(shards / "code")}}
    build(make_recipe(stages=stages, sources=sources))
    _, windows = index_of(tmp_path / "mixture")
    assert len(set(windows.tolist())) == 200
    repeated = build(make_recipe(stages=stages, sources=sources, across_stages="repeat"), tmp_path / "repeat")
    _, again = index_of(tmp_path / "repeat")
    assert [len(set(part.tolist())) for part in (again[:100], again[100:])] == [100, 100]
    assert len(set(again.tolist())) < 200
    assert again[:100].tolist() != again[100:].tolist()
    assert [stage["sources"]["code"]["epochs"] for stage in repeated["stages"]] == [100 / 211] * 2


def test_megatrons_blend_holds_its_own_counts_per_stage(build, make_recipe, tmp_path: Path):
    build(make_recipe(blend="megatron"))
    sources, counts = index_of(tmp_path / "mixture")
    for part, quotas in ((slice(0, 150), [100, 50]), (slice(150, 275), [31, 94])):
        expected = build_exhaustive_blending_indices(quotas)
        assert np.array_equal(sources[part], expected[0])
        assert np.array_equal(counts[part], expected[1])


def test_blocks_and_threads_change_nothing(monkeypatch, build, make_recipe, tmp_path: Path):
    info = build(make_recipe())
    monkeypatch.setattr(order, "BLOCK_ROWS", 13)
    monkeypatch.setattr(order.all_rows, "__defaults__", (13,))
    again = build(make_recipe(), tmp_path / "again")
    assert again["files"] == info["files"]
    assert info["files"]["dataset_index.npy"]["sha256"] == hashlib.sha256((tmp_path / "mixture/dataset_index.npy").read_bytes()).hexdigest()


def test_the_npy_files_are_those_of_numpy(build, make_recipe, tmp_path: Path):
    build(make_recipe())
    for name in ("dataset_index.npy", "dataset_sample_index.npy"):
        np.save(tmp_path / name, np.load(tmp_path / "mixture" / name))
        assert (tmp_path / name).read_bytes() == (tmp_path / "mixture" / name).read_bytes()


def test_folder_and_place_of_the_shards_change_neither_fingerprint_nor_index(build, make_recipe, shards, tmp_path: Path):
    info = build(make_recipe())
    assert info["sources"][0]["shards"][0]["path"] == "../shards/code/code-00000"
    shutil.copytree(shards, tmp_path / "elsewhere" / "deep")
    other = tmp_path / "elsewhere" / "deep"
    sources = {"code": {"shards": str(other / "code")}, "math": {"shards": str(other / "math"), "max_epochs": 4, "holdout": 0.1}}
    moved = build(make_recipe(sources=sources), tmp_path / "a" / "b" / "c")
    assert (moved["fingerprint"], moved["files"]) == (info["fingerprint"], info["files"])


def test_every_value_of_the_recipe_and_every_shard_is_in_the_fingerprint(build, make_recipe, shards, source_writer, tmp_path: Path):
    base = make_recipe()
    code, math = ({"shards": str(shards / name)} for name in ("code", "math"))
    math |= {"max_epochs": 4, "holdout": 0.1}
    variants = [
        base,
        make_recipe(name="other"), make_recipe(seed=18), make_recipe(sequence_length=7), make_recipe(across_stages="repeat"),
        make_recipe(blend="megatron"), make_recipe(allow_overlap=True), make_recipe(sources={"math": math, "code": code}),
        make_recipe(sources={"code": code | {"max_epochs": 2}, "math": math}),
        make_recipe(sources={"code": code, "math": math | {"holdout": 0.11}}),
        make_recipe(stages=[{"name": "one", "tokens": {"code": 800, "math": 400}}]),
        make_recipe(stages=[{"name": "uno", "tokens": {"code": 800, "math": 400}}]),
        make_recipe(stages=[{"name": "one", "tokens": {"code": 801, "math": 399}}]),
    ]  # fmt: skip

    def inputs(recipe):
        return [source_from_path(name, *source.shards) for name, source in recipe.sources.items()]

    names = [plan_mixture(recipe, inputs(recipe))["fingerprint"] for recipe in variants]
    assert len(set(names)) == len(variants)
    assert plan_mixture(base, inputs(base))["fingerprint"] == names[0]
    path = bin_path(shards / "math" / "math-00000")
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)
    assert plan_mixture(base, inputs(base))["fingerprint"] not in names


def test_an_unchanged_mixture_is_left_alone_and_a_damaged_or_forced_one_is_built(build, make_recipe, tmp_path: Path):
    folder = tmp_path / "mixture"
    info = build(make_recipe())
    stamp = (folder / "dataset_index.npy").stat().st_mtime_ns
    calls = []
    assert build(make_recipe(), progress=lambda done, total: calls.append((done, total))) == info
    assert calls == []
    assert (folder / "dataset_index.npy").stat().st_mtime_ns == stamp
    build(make_recipe(), force=True, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(150, 275), (275, 275)]
    for name in ("dataset_index.npy", "dataset_sample_index.npy", "mixture.json"):
        content = bytearray((folder / name).read_bytes())
        content[content.index(b'"seed": 17') + 9 if name == "mixture.json" else len(content) // 2] ^= 1
        (folder / name).write_bytes(content)
        assert build(make_recipe())["files"] == info["files"]
        assert read_json(folder / "mixture.json")["files"] == info["files"]


def test_another_recipe_replaces_the_mixture_in_its_folder(build, make_recipe, tmp_path: Path):
    first = build(make_recipe())
    second = build(make_recipe(seed=1))
    assert first["fingerprint"] != second["fingerprint"]
    assert read_json(tmp_path / "mixture" / "mixture.json")["fingerprint"] == second["fingerprint"]


def test_more_than_max_epochs_is_refused_with_need_and_stock(build, make_recipe, shards, tmp_path: Path):
    path = tmp_path / "m.yaml"
    path.write_text(f"""\
name: toy
sequence_length: 8
sources:
  code: {{shards: {shards}/code, max_epochs: 1.5}}
stages:
  - {{name: a, tokens: {{code: 1600}}}}
  - {{name: b, tokens: {{code: 1000}}}}
""")
    recipe, file = load_recipe(path)
    says = (r"m\.yaml:4:3: source 'code' must give 325 samples \(2,600 tokens\) to stage a \+ b: 1.55 epochs of its 211 training windows "
            r"\(1,688 tokens\), and max_epochs is 1.5; raise max_epochs to 1.55, ask for at most 2,528 tokens")  # fmt: skip
    with pytest.raises(ConfigError, match=says):
        build(recipe, file=file)
    assert not (tmp_path / "mixture").exists()
    path.write_text(path.read_text().replace("1.5", "1.55"))
    assert build(load_recipe(path)[0])["num_samples"] == 325


def test_with_repeated_stages_max_epochs_holds_for_each_stage(build, make_recipe, shards):
    sources = {"code": {"shards": str(shards / "code")}}
    stages = [{"name": name, "tokens": {"code": 1688}} for name in ("a", "b")]
    assert build(make_recipe(stages=stages, sources=sources, across_stages="repeat"))["num_samples"] == 422
    with pytest.raises(ConfigError, match="2 epochs"):
        build(make_recipe(stages=stages, sources=sources))


@pytest.mark.parametrize("sizes", [[8], [8, 8, 8, 3]])
def test_a_source_without_a_window_and_with_a_budget_is_refused(build, make_recipe, source_writer, tmp_path: Path, sizes):
    """A window of 8 + 1 tokens needs a shard of 9; windows do not cross shards."""
    folder = source_writer(tmp_path / "short", "short", sizes)
    sources = {"short": {"shards": str(folder)}}
    says = "'short' must give 1 samples to stage one and has none to train on: .* make 0 windows of 9 tokens"
    with pytest.raises(ConfigError, match=says):
        build(make_recipe(sources=sources, stages=[{"name": "one", "tokens": {"short": 8}}]))
    source_writer(folder, "short", [9])
    assert build(make_recipe(sources=sources, stages=[{"name": "one", "tokens": {"short": 8}}]))["num_samples"] == 1


def test_a_source_without_a_budget_needs_no_window(build, make_recipe, shards, source_writer, tmp_path: Path):
    sources = {"code": {"shards": str(shards / "code")}, "none": {"shards": str(source_writer(tmp_path / "none", "none", [3]))}}
    info = build(make_recipe(sources=sources, stages=[{"name": "one", "tokens": {"code": 800, "none": 3}}]))
    assert info["stages"][0]["sources"]["none"]["num_samples"] == 0
    assert any("'none'" in notice and "less than one sample" in notice for notice in info["notices"])


@pytest.mark.parametrize("link", ["same", "symlink", "hardlink"])
def test_two_sources_that_share_a_shard_are_refused_unless_allowed(build, make_recipe, shards, tmp_path: Path, link: str):
    folder = shards / "code"
    if link != "same":
        folder = tmp_path / "linked"
        folder.mkdir()
        for file in (shards / "code").glob("code-00001.*"):
            if link == "symlink":
                (folder / file.name).symlink_to(file)
            else:
                os.link(file, folder / file.name)
    sources = {"code": {"shards": str(shards / "code")}, "more": {"shards": str(folder)}}
    stages = [{"name": "one", "tokens": {"code": 80, "more": 80}}]
    with pytest.raises(ConfigError, match=r"sources\.more: sources 'code' and 'more' share the shard .*allow_overlap"):
        build(make_recipe(sources=sources, stages=stages))
    twice = sources | {"more": sources["code"]}
    with pytest.raises(ConfigError, match=r"share the shard \S+code-00000, so its tokens would count twice"):
        build(make_recipe(sources=twice, stages=stages))
    info = build(make_recipe(sources=sources, stages=stages, allow_overlap=True))
    assert any("share the shard" in notice for notice in info["notices"])


def test_a_source_of_several_paths_takes_their_shards_in_that_order(build, make_recipe, make_ours, shards):
    make_ours(shards / "code")
    make_ours(shards / "text", tokenizer=None)
    stages = [{"name": "one", "tokens": {"both": 80}}]
    both = {"shards": [str(shards / "text"), str(shards / "code" / "code-00001"), str(shards / "code" / "code-00000.idx")]}
    info = build(make_recipe(sources={"both": both}, stages=stages))
    names = [Path(shard["path"]).name for shard in info["sources"][0]["shards"]]
    assert names == ["text-00000", "text-00001", "text-00002", "code-00001", "code-00000"]
    assert not info["sources"][0]["is_ours"]
    info = build(make_recipe(sources={"both": {"shards": [str(shards / "text"), str(shards / "code")]}}, stages=stages))
    assert (info["sources"][0]["is_ours"], info["tokenizer"]) == (True, {"sha256": "a" * 64})
    make_ours(shards / "text", tokenizer="b" * 64)
    with pytest.raises(DataError, match="2 different tokenizers"):
        build(make_recipe(sources={"both": {"shards": [str(shards / "text"), str(shards / "code")]}}, stages=stages))


def test_a_copied_shard_is_noticed(build, make_recipe, shards, tmp_path: Path):
    shutil.copytree(shards / "code", tmp_path / "copy")
    sources = {"code": {"shards": str(shards / "code")}, "copy": {"shards": str(tmp_path / "copy")}}
    info = build(make_recipe(sources=sources, stages=[{"name": "one", "tokens": {"code": 80}}]))
    assert any("has the same content as code-00000 of source 'code' (and 1 more such shards)" in notice for notice in info["notices"])


def test_sources_may_have_tokens_of_two_types_and_one_source_may_not(build, make_recipe, shards, source_writer, tmp_path: Path):
    wide = source_writer(tmp_path / "wide", "wide", [100], dtype=np.int32)
    sources = {"code": {"shards": str(shards / "code")}, "wide": {"shards": str(wide)}}
    info = build(make_recipe(sources=sources, stages=[{"name": "one", "tokens": {"code": 80, "wide": 80}}]))
    assert [source["token_dtype"] for source in info["sources"]] == ["uint16", "int32"]
    assert any("sources hold tokens of different types (int32, uint16)" in notice for notice in info["notices"])
    for file in wide.iterdir():
        shutil.copy(file, shards / "code" / file.name)
    sources.pop("wide")
    with pytest.raises(DataError, match="wide-00000.idx: int32 tokens, code-00000 has uint16"):
        build(make_recipe(sources=sources, stages=[{"name": "one", "tokens": {"code": 80}}]))


def test_tokenizers_must_agree_with_each_other_and_with_the_recipe(build, make_recipe, make_ours, shards, tmp_path: Path):
    tokenizer = tmp_path / "tokenizer.json"
    tokenizer.write_text("{}")
    digest = hashlib.sha256(b"{}").hexdigest()
    make_ours(shards / "code", tokenizer=digest)
    assert build(make_recipe(tokenizer=tokenizer))["tokenizer"] == {"sha256": digest}
    packed = tmp_path / "tokenizer.json.gz"
    packed.write_bytes(gzip.compress(b"{}"))
    assert build(make_recipe(tokenizer=packed))["tokenizer"] == {"sha256": digest}
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(ConfigError, match="tokenizer: .*gz: cannot be read"):
        build(make_recipe(tokenizer=packed))
    make_ours(shards / "math", tokenizer="b" * 64)
    with pytest.raises(ConfigError, match=r"sources\.math: source 'math' was made with the tokenizer of sha256 bbbbbbbbbbbb"):
        build(make_recipe())
    make_ours(shards / "math", tokenizer=digest)
    tokenizer.write_text("{ }")
    with pytest.raises(ConfigError, match="the recipe names tokenizer.json"):
        build(make_recipe(tokenizer=tokenizer))
    with pytest.raises(ConfigError, match="tokenizer: .*cannot be read"):
        build(make_recipe(tokenizer=tmp_path / "none.json"))


def test_what_is_known_of_our_results_is_kept_and_foreign_shards_are_noticed(build, make_recipe, make_ours, shards):
    make_ours(shards / "code")
    info = build(make_recipe())
    code, math = info["sources"]
    assert (code["is_ours"], code["fingerprint"], code["tokenizer_sha256"], code["bytes_per_token"]) == (True, "f" * 32, "a" * 64, 3.5)
    assert (math["is_ours"], math["tokenizer_sha256"]) == (False, None)
    assert [notice.split(":")[0] for notice in info["notices"]] == ["source 'math'"]
    for source in info["sources"]:
        for shard in source["shards"]:
            path = bin_path(shards / source["name"] / Path(shard["path"]).name)
            assert shard["bin_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_damage_of_our_results_is_handed_on(make_ours, shards):
    assert source_from_path("code", shards / "code").damage == ()
    make_ours(shards / "code", damage=["a.warc.gz: cut off"], quarantined=["shard 3: broken"])
    make_ours(shards / "math", quarantined=["shard 9: broken"])
    code, math = shards / "code", shards / "math"
    lines = (f"{code}: a.warc.gz: cut off", f"{code}: set aside when it was made: shard 3: broken")
    assert source_from_path("code", code).damage == lines
    assert source_from_paths("both", [code, math]).damage == (*lines, f"{math}: set aside when it was made: shard 9: broken")


def test_large_foreign_shards_are_sampled_and_the_notice_says_so(monkeypatch, build, make_recipe, tmp_path: Path):
    monkeypatch.setattr(survey, "READ_ALL_BYTES", 1500)
    info = build(make_recipe())
    assert [source["shards"][0]["bin_sha256"] is None for source in info["sources"]] == [True, False]
    assert "cannot find a change" in info["notices"][0]
    assert "cannot find a change" not in info["notices"][1]
    assert all(shard["bin_sha256"] for source in build(make_recipe(), read_all=True)["sources"] for shard in source["shards"])


def test_an_edited_manifest_and_a_damaged_shard_are_refused_with_the_source(build, make_recipe, make_ours, shards):
    make_ours(shards / "code")
    manifest = shards / "code" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("3500", "3501"))
    with pytest.raises(VerificationError, match=r"here:4: source 'code': .*self_hash"):
        source_from_path("code", shards / "code", place="here:4")
    manifest.unlink()
    idx = idx_path(shards / "code" / "code-00001")
    idx.write_bytes(idx.read_bytes()[:-3])
    with pytest.raises(DataError, match="code-00001.idx: .* bytes"):
        build(make_recipe())


def test_shards_with_gaps_are_refused(build, make_recipe, shards):
    idx = idx_path(shards / "code" / "code-00001")
    content = bytearray(idx.read_bytes())
    num = int.from_bytes(content[18:26], "little")
    pointers = np.frombuffer(content, "<i8", num, 34 + 4 * num).copy()
    lengths = np.frombuffer(content, "<i4", num, 34).copy()
    equal = next((i, k) for i in range(num) for k in range(i) if lengths[i] == lengths[k] > 0)
    pointers[list(equal)] = pointers[list(equal)[::-1]]
    content[34 + 4 * num : 34 + 12 * num] = pointers.tobytes()
    idx.write_bytes(content)
    with pytest.raises(DataError, match="gaps or overlap"):
        build(make_recipe())


def test_a_folder_that_holds_something_else_is_refused_and_kept(build, make_recipe, make_ours, shards, tmp_path: Path):
    folder = tmp_path / "mixture"
    folder.mkdir()
    (folder / "thesis.tex").write_text("x")
    with pytest.raises(ConfigError, match=r"not empty \(thesis\.tex\) and no mixture of ours"):
        build(make_recipe())
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]
    with pytest.raises(ConfigError, match="a file; a mixture is a folder"):
        build(make_recipe(), folder / "thesis.tex")
    make_ours(shards / "code")
    with pytest.raises(ConfigError, match="the result of source 'code'"):
        build(make_recipe(), shards / "code" / "mixture")


@pytest.mark.parametrize(
    "names", [["dataset_index.npy"], ["dataset_index.npy", "dataset_sample_index.npy", "mixture.json"], ["mixture.json"]]
)
def test_index_files_of_another_program_are_not_overwritten(build, make_recipe, tmp_path: Path, names: list[str]):
    folder = tmp_path / "mixture"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"theirs")
    with pytest.raises(ConfigError, match=r"not empty \(.* and no mixture of ours; name another output folder"):
        build(make_recipe(), force=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == dict.fromkeys(names, b"theirs")


@pytest.mark.parametrize("call", range(1, 9))
def test_a_build_killed_at_any_moment_is_known_as_ours(monkeypatch, build, make_recipe, tmp_path: Path, call: int):
    """A kill runs no clean-up, so what stands at the moment of an fsync is copied and built upon."""
    folder, copy, calls = tmp_path / "mixture", tmp_path / "copy", []
    build(make_recipe(seed=1))
    fsync = os.fsync

    def killed(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == call:
            shutil.copytree(folder, copy)
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", killed)
        build(make_recipe())
    assert build(make_recipe(), copy)["num_samples"] == 275
    assert sorted(path.name for path in copy.iterdir()) == ["blocks.xxh3", "dataset_index.npy", "dataset_sample_index.npy", "mixture.json"]


def test_what_a_killed_build_left_is_cleared(build, make_recipe, tmp_path: Path):
    folder = tmp_path / "mixture"
    folder.mkdir()
    for name in (".tmp-1-dataset_index.npy", "dataset_index.npy", ".lock"):
        (folder / name).write_bytes(b"half")
    build(make_recipe())
    assert sorted(path.name for path in folder.iterdir()) == [
        ".lock", "blocks.xxh3", "dataset_index.npy", "dataset_sample_index.npy", "mixture.json",
    ]  # fmt: skip


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("call", range(1, 13))
def test_a_full_disk_leaves_the_old_mixture_whenever_it_shows(monkeypatch, build, make_recipe, tmp_path: Path, call: int, old: bool):
    folder = tmp_path / "mixture"
    if old:
        build(make_recipe(seed=1))
    before = {path.name: path.read_bytes() for path in folder.iterdir()} if old else {}
    fsync, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == call:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError, match="No space left"):
        build(make_recipe())
    monkeypatch.setattr(os, "fsync", fsync)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert build(make_recipe())["num_samples"] == 275


def test_too_little_room_is_said_before_anything_is_written(monkeypatch, build, make_recipe, tmp_path: Path):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(build_module.shutil, "disk_usage", lambda path: usage._replace(free=100))
    with pytest.raises(ResourceError, match="275 samples"):
        build(make_recipe())
    assert not (tmp_path / "mixture").exists()


def test_the_inputs_must_be_those_of_the_recipe(make_recipe, shards, tmp_path: Path):
    code = source_from_path("code", shards / "code")
    with pytest.raises(ConfigError, match=r"sources \['code'\] are given, the recipe names \['code', 'math'\]"):
        build_mixture(make_recipe(), [code], tmp_path / "mixture")
    gone = SourceInput("math", [tmp_path / "gone"], "0" * 32, None, is_ours=False)
    with pytest.raises(DataError, match="gone.bin: cannot be read"):
        build_mixture(make_recipe(), [code, gone], tmp_path / "mixture")


@pytest.mark.slow  # a million samples, and 5 GB of zeros are hashed if READ_ALL_BYTES grows
def test_more_than_two_billion_tokens_do_not_wrap(make_recipe, tmp_path: Path):
    """A sparse shard of 5e9 tokens in sequences of 2**31 - 1, as large as the format allows."""
    prefix = tmp_path / "big" / "big-00000"
    prefix.parent.mkdir()
    with ShardWriter(prefix, np.uint8) as writer:
        writer.add([1])
    tokens = [2**31 - 1, 2**31 - 1, 705_032_706]
    lengths, ends = np.array(tokens, "<i4"), np.cumsum(tokens)
    header = bytearray(idx_path(prefix).read_bytes()[:34])
    header[18:26], header[26:34] = (3).to_bytes(8, "little"), (4).to_bytes(8, "little")
    pointers, edges = (ends - tokens).astype("<i8"), np.arange(4, dtype="<i8")
    idx_path(prefix).write_bytes(bytes(header) + lengths.tobytes() + pointers.tobytes() + edges.tobytes())
    os.truncate(bin_path(prefix), int(ends[-1]))
    recipe = make_recipe(
        sequence_length=4096, sources={"big": {"shards": str(prefix)}}, stages=[{"name": "a", "tokens": {"big": 4_900_000_000}}]
    )
    info = build_mixture(recipe, [source_from_path("big", prefix)], tmp_path / "mixture")
    assert (info["num_samples"], info["sources"][0]["windows"]) == (1_196_289, 1_220_703)
    windows = np.load(tmp_path / "mixture" / "dataset_sample_index.npy")
    assert np.unique(windows).size == windows.size
    assert int(windows.max()) * 4096 > 2**32


def test_a_shard_that_two_paths_of_one_source_reach_is_refused(shards: Path):
    folder = next(path for path in sorted(shards.iterdir()) if path.is_dir())
    prefix = next(iter(sorted(folder.glob("*.idx")))).with_suffix("")
    with pytest.raises(DataError, match="reached by two of its paths"):
        source_from_paths("code", [prefix, folder])


def test_a_result_of_ours_whose_bytes_changed_is_refused_with_the_way_out(build, make_recipe, make_ours, shards: Path, tmp_path: Path):
    """Its hash was taken from the manifest without a look at the bytes, and `verify` then asked to build again, for ever."""
    make_ours(shards / "code")
    path = next((shards / "code").glob("*.bin"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"\.bin: sha256 differs from the manifest beside it.*remove .*code and run its pipeline again"):
        build(make_recipe())
    assert not (tmp_path / "mixture" / "mixture.json").exists()
