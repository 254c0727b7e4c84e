"""The quickstart's folder, and that its shipped files fit its site."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.quickstart.benchmark import benchmark_items
from mathcode_data.quickstart.crawl import Config
from mathcode_data.quickstart.run import SHIPPED, prepare, shipped_file


def test_the_shipped_benchmark_is_the_one_planted_in_the_site():
    lines = shipped_file("pipelines/quickstart-benchmark.jsonl").read_bytes().splitlines()
    assert [orjson.loads(line) for line in lines] == benchmark_items(Config(host="crawl").site_seed)


def test_a_folder_is_laid_out_and_its_changed_files_stay(tmp_path: Path):
    said: list[str] = []
    mixture = prepare(tmp_path / "demo", said.append)
    assert mixture.read_bytes() == shipped_file("mixtures/quickstart.yaml").read_bytes()
    assert all((tmp_path / "demo" / name).exists() for name in SHIPPED)
    mixture.write_text("# mine\n")
    assert prepare(tmp_path / "demo", said.append).read_text() == "# mine\n"


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(ConfigError, match="not empty"):
        prepare(tmp_path, lambda _: None)
    with pytest.raises(ConfigError, match="is a file"):
        prepare(tmp_path / "thesis.txt", lambda _: None)
