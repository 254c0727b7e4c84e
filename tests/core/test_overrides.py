"""--set changes one value, named as people name it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.overrides import override_value
from mathcode_data.core.yaml_file import parse_yaml

TEXT = b"""
seed: 1
stages:
  - id: pages
    read.warc: {paths: a}
  - dedup.minhash:
  - name: mixed
    tokens: {code: 1}
  - tokenize: {vocab_size: 1}
"""


def changed(override: str) -> dict:  # type: ignore[type-arg]
    file = parse_yaml(TEXT, Path("a.yaml"))
    override_value(file, override)
    return file.data  # type: ignore[no-any-return]


def test_a_value_is_named_by_key_id_stage_name_or_position():
    assert changed("seed=3")["seed"] == 3
    assert changed("stages.pages.paths=[b, c]")["stages"][0]["read.warc"] == {"paths": ["b", "c"]}
    assert changed("stages.read.warc.paths=b")["stages"][0]["read.warc"] == {"paths": "b"}
    assert changed("stages.dedup.minhash.num_bands=20")["stages"][1]["dedup.minhash"] == {"num_bands": 20}
    assert changed("stages.mixed.tokens.code=4M")["stages"][2]["tokens"] == {"code": "4M"}
    assert changed("stages.1.num_bands=20")["stages"][1]["dedup.minhash"] == {"num_bands": 20}
    assert changed("stages.tokenize.vocab_size=9")["stages"][3]["tokenize"] == {"vocab_size": 9}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "write --set key=value"),
        ("stags.a=1", "no key 'stags'; did you mean 'stages'"),
        ("stages.dedup.minhsh.num_bands=1", "no item 'dedup.minhsh' in that list; did you mean 'dedup.minhash'"),
        ("seed.x=1", "no keys"),
        ("seed=[1", "not YAML"),
    ],
)
def test_a_wrong_way_is_an_error_with_the_nearest_name(override: str, message: str):
    with pytest.raises(ConfigError, match=message):
        changed(override)
