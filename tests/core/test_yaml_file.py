"""The YAML loader: YAML 1.2 scalars, places, and what it refuses."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.yaml_file import load_yaml, parse_yaml

PATH = Path("a.yaml")


def load(text: str) -> object:
    return parse_yaml(text.encode(), PATH).data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("1e-3", 0.001), ("400e9", 400e9), ("4.0e9", 4e9), ("010", 10), ("0o17", 15), ("0x1F", 31), ("12:30:45", "12:30:45"),
        ("1_000", "1_000"), (".5", 0.5), ("-7", -7), ("+7", 7), ("2026-01-01", "2026-01-01"), ("400B", "400B"), ("'1'", "1"),
        ("99999999999999999999999", 99999999999999999999999), ("=", "="), ("<<", "<<"),
    ],
)  # fmt: skip
def test_plain_scalars_have_their_yaml_1_2_type(text: str, value: object):
    found = load(f"key: {text}")
    assert found == {"key": value}
    assert type(found["key"]) is type(value)  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", r"a\.yaml:3:1: key 'a' stands twice, first in line 1"),
        ("a: {x: 1, x: 2}", r"a\.yaml:1:11: key 'x' stands twice"),
        ("a: &x 1\nb: *x", r"a\.yaml:1:4: anchor &x"),
        ("b: *x", r"a\.yaml:1:4: alias \*x"),
        ("a: !!python/object:os.system x", r"a\.yaml:1:4: tag"),
        ("a: !!str 1", r"tag"),
        ("a: 1\n---\nb: 2", r"second document"),
        ("a: .inf", r"finite"),
        ("a: 1e999", r"beyond the range"),
        ("[1, 2]: 3", r"keys are plain text"),
        ("a: [1, 2", r"not YAML"),
        ("a: b: c", r"a\.yaml:1:5: not YAML"),
        ("a: \x00", r"not YAML"),
        ("[" * 100_000, r"nested deeper than 50"),
        ("{a: " * 100, r"nested deeper than 50"),
        ("a: " + "x" * 1_100_000, r"at most 1,000,000"),
    ],
)
def test_what_is_refused_names_its_place(text: str, message: str):
    start = time.monotonic()
    with pytest.raises(ConfigError, match=message) as caught:
        load(text)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - start < 30


def test_bytes_that_are_not_utf8_are_refused():
    with pytest.raises(ConfigError, match="byte 3 is not UTF-8"):
        parse_yaml(b"a: \xff\xfe", PATH)


def test_a_byte_order_mark_is_ignored():
    assert parse_yaml(b"\xef\xbb\xbfa: 1", PATH).data == {"a": 1}


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="nothing.yaml: cannot be read"):
        load_yaml(tmp_path / "nothing.yaml")


def test_places_are_those_of_keys_and_items():
    file = parse_yaml(b"a:\n  b: [1,\n   2]\n  c: x\n", PATH)
    assert file.place(("a", "c")) == "a.yaml:4:3"
    assert file.place(("a", "b", 1)) == "a.yaml:3:4"
    assert file.place(("a", "b", 1, "deeper")) == "a.yaml:3:4"
    assert file.place() == "a.yaml:1:1"


@given(st.binary(max_size=200))
def test_any_bytes_give_data_or_a_config_error(content: bytes):
    try:
        parse_yaml(content, PATH)
    except ConfigError as error:
        assert str(error).startswith("a.yaml")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii", min_codepoint=32), max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3),
                    max_leaves=8))  # fmt: skip
def test_json_is_read_as_json_reads_it(value: object):
    import orjson

    assert parse_yaml(orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_SUBCLASS) if _small(value) else b"null", PATH).data == (
        value if _small(value) else None
    )


def _small(value: object) -> bool:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return True
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return all(_small(item) for item in (value.values() if isinstance(value, dict) else value))  # type: ignore[attr-defined]


def test_a_huge_file_is_refused_by_its_size_and_never_read_whole(tmp_path: Path):
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(1 << 36)  # sparse; reading it would take 64 GB
    start = time.monotonic()
    with pytest.raises(ConfigError, match=r"huge\.yaml: 68,719,476,736 bytes or more; a configuration file holds at most 1,000,000"):
        load_yaml(huge)
    assert time.monotonic() - start < 10


def test_a_file_that_states_no_size_is_read_up_to_the_bound():
    with pytest.raises(ConfigError, match=r"1,000,001 bytes or more"):
        load_yaml(Path("/dev/zero"))


def test_a_path_with_a_nul_is_named_and_no_traceback(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_yaml(tmp_path / "a\0b")
