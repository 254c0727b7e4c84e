"""keys: every key of every file is told, from the models themselves."""

from __future__ import annotations

import importlib
import json
import textwrap

import pyarrow as pa
import pytest
from pydantic import BaseModel

from mathcode_data.cli.reference import FILES
from mathcode_data.core import stage as stage_module
from mathcode_data.core.plugins import load_plugin, stage_names
from mathcode_data.core.reference import pipeline_schema, reference
from support.command import call
from support.stages import documents, run_map


def model_of(name: str) -> type[BaseModel]:
    if name in FILES:
        module, attribute = FILES[name]
        return getattr(importlib.import_module(module), attribute)
    return load_plugin(name).config


@pytest.mark.parametrize("name", [*stage_names(), *FILES])
def test_every_key_of_every_stage_and_file_has_a_text_and_every_model_too(name):
    groups = reference(model_of(name))
    without = [key.name for group in groups for key in group.keys if not key.text]
    assert not without, f"{name}: no text under {', '.join(without)}; write it under the field"
    assert all(group.text for group in groups)


@pytest.mark.parametrize("name", [*stage_names(), *FILES])
def test_every_key_stands_in_what_is_printed_with_its_default(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    from typer.testing import CliRunner

    from mathcode_data.cli.commands import app

    done = CliRunner().invoke(app, ["keys", name])
    assert done.exit_code == 0
    printed = " ".join(done.stdout.split())
    for group in reference(model_of(name)):
        for key in group.keys:
            value = f"default {key.default}" if key.default else "must be given"
            assert " ".join(f"{key.name}: {key.kind}; {value} {key.text}".split()) in printed


def test_all_stages_and_files_are_listed_with_a_line_each():
    done = call("keys")
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in done.stdout.splitlines() if line}
    assert {*stage_names(), *FILES, "stage"} <= set(lines)
    data = json.loads(call("keys", "--json").stdout)
    assert [row["name"] for row in data] == [*stage_names(), *FILES, "stage"]
    assert all(row["text"] for row in data)


@pytest.mark.parametrize(
    ("name", "suggested"),
    [("dedup.minhsah", "dedup.minhash"), ("mixtrue", "mixture"), ("trian", "train"), ("dedpu", "dedup"), ("tokenise", "tokenize")],
)
def test_a_typo_gets_the_nearest_name(name, suggested):
    done = call("keys", name)
    assert done.returncode == 2
    assert f"did you mean {suggested!r}?" in done.stderr
    assert done.stdout == ""


def test_the_schema_accepts_what_the_model_accepts_and_describes_its_keys():
    schema = json.loads(call("keys", "dedup.minhash", "--json").stdout)
    assert schema["title"] == "dedup.minhash"
    assert schema["additionalProperties"] is False
    assert schema["properties"]["num_bands"]["minimum"] == 1
    assert schema["properties"]["num_bands"]["description"]
    schema = json.loads(call("keys", "tokenize", "--json").stdout)
    assert {"type": "string"} in schema["properties"]["shard_tokens"]["anyOf"], "400B is text in YAML"


def test_the_schema_of_a_pipeline_holds_those_of_its_stages():
    schema = pipeline_schema(model_of("pipeline"), {name: load_plugin(name).config for name in ("dedup.minhash", "read.code")})
    item = schema["properties"]["stages"]["items"]["properties"]
    assert {"id", "from", "dedup.minhash", "read.code"} == set(item)
    reference_to = item["read.code"]["anyOf"][0]["$ref"].removeprefix("#/$defs/")
    assert "repository_depth" in schema["$defs"][reference_to]["properties"]


def test_a_family_lists_its_stages():
    names = [line.split()[0] for line in call("keys", "dedup").stdout.splitlines() if line.startswith("dedup.")]
    assert names == [name for name in stage_names() if name.startswith("dedup.")]


def test_the_stage_in_the_contract_is_a_stage(tmp_path, monkeypatch):
    contract = call("keys", "stage").stdout
    for word in ("ledger.drop", "MapStage", "Source", "GlobalStage", "VERSION", "LIBRARIES", "ledger.drop_unread", "DataError"):
        assert word in contract
    lines = (stage_module.__doc__ or "").split("\n")
    begin = next(number for number, line in enumerate(lines) if line.startswith("    import"))
    end = next(number for number, line in enumerate(lines) if line.startswith("**Config**"))
    (tmp_path / "my_short_stage.py").write_text(textwrap.dedent("\n".join(lines[begin:end])))
    (tmp_path / "my_package_of_stages").mkdir()
    (tmp_path / "my_short_stage.py").rename(tmp_path / "my_package_of_stages" / "short.py")
    monkeypatch.syspath_prepend(tmp_path)
    table, ledger = run_map("my_package_of_stages.short", documents(["long enough", "no"]), min_characters=5)
    assert table["text"].to_pylist() == ["long enough"]
    assert ledger.counters.dropped == {"short": 1}
    assert isinstance(table, pa.Table)
    (key,) = reference(load_plugin("my_package_of_stages.short").config)[0].keys
    assert key.text == "Drop documents with fewer characters, under the reason `short`."
    assert key.kind == "integer, 0 or more"
