"""What `plan` says about results that are not there yet: about right, only where the input is known, and never for a crawl."""

from __future__ import annotations

from pathlib import Path

from mathcode_data.cli.runs import estimate_text
from mathcode_data.runtime.session import plan_pipeline
from support.engine import make_toy, run

HTML = """
name: pages
output: out
stages:
  - id: pages
    read.html_files: {paths: pages}
  - id: texts
    extract.html: {}
  - id: shards
    tokenize: {}
  - id: model
    from: texts
    learn.tokenizer: {}
"""


def pages(folder: Path, num_pages: int = 50, num_bytes: int = 100_000) -> Path:
    (folder / "pages").mkdir()
    for number in range(num_pages):
        (folder / "pages" / f"{number}.html").write_bytes(b"x" * num_bytes)
    path = folder / "p.yaml"
    path.write_text(HTML)
    return path


def test_tokens_and_disk_follow_from_the_bytes_that_go_in(tmp_path: Path):
    plan = {node["id"]: node["estimate"] for node in plan_pipeline(pages(tmp_path))}
    assert plan["pages"]["documents"] == plan["shards"]["documents"] == 50
    assert plan["pages"]["tokens"] == plan["texts"]["tokens"] == plan["shards"]["tokens"] == 100_000, "5 MB x 7 % / 3.5"
    assert plan["shards"]["bytes"] == 400_000
    assert plan["pages"]["bytes"] > plan["texts"]["bytes"], "pages before extraction take more room than their text"
    assert plan["model"] is None


def test_a_limit_bounds_the_estimate(tmp_path: Path):
    plan = plan_pipeline(pages(tmp_path), limit=5)
    assert plan[0]["estimate"]["documents"] == 5
    assert plan[0]["estimate"]["tokens"] == 10_000


def test_finished_results_are_taken_as_they_are_and_what_comes_after_them_is_estimated(tmp_path: Path):
    path = make_toy(tmp_path)
    run(path)
    path.write_text(path.read_text().replace("num_shards: 3", "num_shards: 2"))
    first, second = plan_pipeline(path)
    assert first["state"] == "up to date"
    assert first["estimate"] is None
    assert second["estimate"]["documents"] == 96
    assert "about" in estimate_text([first, second])
    assert estimate_text([first]) == ""


def test_where_the_input_is_not_there_nothing_is_guessed(tmp_path: Path):
    path = make_toy(tmp_path)
    path.write_text(
        "name: crawl\noutput: crawled\nstages:\n  - id: crawl\n    mathcode_data.quickstart.crawl: {host: crawl}\n"
        "  - id: pages\n    from: crawl\n    read.warc: {}\n  - id: shards\n    tokenize: {}\n"
    )
    plan = plan_pipeline(path)
    assert [node["estimate"] for node in plan] == [None, None, None]


def test_results_of_two_pipelines_with_one_name_are_told_apart_and_both_counted():
    part = {"documents": 10, "tokens": 100, "bytes": 1000, "rules": "by rules"}
    nodes = [
        {"id": "documents", "output": f"/results/{pipeline}/documents", "state": "new", "estimate": part | {"documents": number}}
        for pipeline, number in (("math", 66), ("code", 760))
    ]
    text = estimate_text([*nodes, {"id": "tokens", "output": "/results/math/tokens", "state": "new", "estimate": None}])
    assert [line.split()[:2] for line in text.splitlines() if "documents " in line and "/" in line] == [
        ["math/documents", "66"],
        ["code/documents", "760"],
    ]
    assert text.endswith("nobody knows before the run: tokens")
