"""Configuration errors name file, line, column, what is legal, and the nearest word."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from mathcode_data.core.config import ByteCount, InputPaths, Length, ResultRef, Share, StageConfig, TokenCount, parse_config
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.yaml_file import parse_yaml


class Inner(StageConfig):
    num_bands: int = Field(default=14, ge=1)
    """Bands."""


class Outer(StageConfig):
    seed: int = 0
    tokens: TokenCount = 0
    size: ByteCount = 0
    holdout: Share = 0.0
    inner: Inner = Inner()
    many: dict[str, Inner] = {}
    paths: InputPaths = ()
    model: ResultRef | None = None
    maybe: int | None = None
    length: Length = 1


def parse(text: str, folder: Path = Path("/nowhere")) -> Outer:
    return parse_config(Outer, parse_yaml(text.encode(), folder / "a.yaml"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sede: 1", r"a\.yaml:1:1: unknown key 'sede'; did you mean 'seed'\?"),
        ("seed: 1\ninner: {num_band: 3}", r"a\.yaml:2:9: unknown key 'num_band'; did you mean 'num_bands'\?"),
        ("many:\n  x: {num_bnads: 3}", r"a\.yaml:2:7: unknown key 'num_bnads'; did you mean 'num_bands'\?"),
        ("qqq: 1", r"unknown key 'qqq'; known: holdout, inner, length"),
        ("inner: {num_bands: 0}", r"a\.yaml:1:9: inner\.num_bands: input should be greater than or equal to 1, found 0"),
        ("seed: x", r"a\.yaml:1:1: seed: .*integer"),
        ("tokens: 4 apples", r"'4 apples' is no number of tokens.*as in 400B"),
        ("tokens: 1.5", r"1\.5 is no whole number of tokens"),
        ("tokens: -1", r"greater than or equal to 0"),
        ("tokens: true", r"True is no number of tokens"),
        ("holdout: 150%", r"less than or equal to 1"),
        ("holdout: x%", r"no percentage"),
        ("paths: nothing/*.gz", r"matches no file"),
        ("paths: https://a.example/x.gz", r"is a URL, and those are not read here; download it and give the file's path"),
        ("paths: /dev/zero", r"is a pipe or a device and no file"),
        ("paths: [1]", r"is no path"),
        ("model: {stage: a, path: b}", r"name one result"),
        ("model: {stge: a}", r"unknown key 'stge'; did you mean 'stage'"),
        ("- 1", r"a\.yaml:1:1: the file"),
    ],
)
def test_an_error_names_place_value_and_what_is_legal(text: str, message: str):
    with pytest.raises(ConfigError, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "number"), [("400B", 400 * 10**9), ("1.5M", 1_500_000), ("550e9", 550 * 10**9), ("7", 7), ("2_000", 2000), ("3k", 3000)]
)
def test_token_counts_are_exact_integers(text: str, number: int):
    assert parse(f"tokens: {text}").tokens == number


@pytest.mark.parametrize("key", ["tokens", "seed", "inner: {num_bands", "maybe"])
@pytest.mark.parametrize(
    ("text", "number"), [("4k", 4000), ("4_096", 4096), ("4Ki", 4096), ("4ki", 4096), ("2Mi", 2 << 20), ("1.5k", 1500), ("4e3", 4000)]
)
def test_any_count_may_bear_a_unit_or_underscores(key: str, text: str, number: int):
    found = parse(f"{key}: {text}{'}' if '{' in key else ''}")
    assert found.inner.num_bands == number if "{" in key else getattr(found, key) == number


@pytest.mark.parametrize("text", ["4kk", "4 apples", "four", "0.5", "1.0001k", "-4k", "4%", "''", "true x", "[4k]"])
def test_a_count_that_is_none_says_what_is_legal(text: str):
    with pytest.raises(ConfigError, match=r"seed: input should be an integer, as in 4096, 4_096, 4Ki \(= 4,096\) or 4k \(= 4,000\)"):
        parse(f"seed: {text}")


@pytest.mark.parametrize(("text", "number"), [("4096", 4096), ("4_096", 4096), ("4Ki", 4096), ("1.5Ki", 1536), ("1Mi", 1 << 20)])
def test_a_length_takes_binary_units(text: str, number: int):
    assert parse(f"length: {text}").length == number


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4k", r"a\.yaml:1:1: length: '4k' may mean 4,000 or 4,096; write 4000, 4096 or 4Ki"),
        ("1M", r"'1M' may mean 1,000,000 or 1,048,576; write 1000000, 1048576 or 1Mi"),
        ("4B", r"'4B' is no length; write a whole number of tokens: 4096, 4_096 or 4Ki"),
        ("long", r"'long' is no length"),
        ("0.3Ki", r"is no whole number of tokens"),
    ],
)
def test_a_length_that_may_mean_two_things_is_refused(text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        parse(f"length: {text}")


def test_a_wrong_number_of_bytes_is_told_the_units_of_bytes():
    with pytest.raises(ConfigError, match=r"'64M' is no number of bytes; write a number, with or without a unit of KB, MB"):
        parse("size: 64M")


def test_byte_counts_tell_thousands_from_powers_of_two():
    assert parse("size: 64MB").size == 64_000_000
    assert parse("size: 2GiB").size == 2 << 30


def test_a_share_may_be_a_percentage():
    assert parse("holdout: 0.1%").holdout == 0.001


def test_paths_are_relative_to_the_file(tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.gz").touch()
    (tmp_path / "in" / "a.gz").touch()
    assert parse("paths: in/*.gz", tmp_path).paths == (str(tmp_path / "in" / "a.gz"), str(tmp_path / "in" / "b.gz"))
    assert parse("model: results/x", tmp_path).model == ResultRef(path=str(tmp_path / "results" / "x"))
