"""Bad input through the command line, with the real stages: one line that says what, where, why and what to do; nothing lost."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from mathcode_data.shards.writer import ShardWriter
from support.command import call
from support.engine import make_toy

PAGE = "<html><head><title>Page {0}</title></head><body><p>{1} Let \\(x_{{{0}}}\\) be a number.</p></body></html>"
WORDS = "The sum of two even numbers is even, because each of them is twice a whole number."


def write_warc(path: Path, bodies: list[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        for number, body in enumerate(bodies):
            headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
            record = writer.create_warc_record(
                f"http://a.example/{path.stem}/{number}", "response", payload=io.BytesIO(body), length=len(body), http_headers=headers,
                warc_headers_dict={"WARC-Date": "2026-01-01T00:00:00Z"},
            )  # fmt: skip
            writer.write_record(record)


def pages(number: int) -> list[bytes]:
    return [PAGE.format(n, WORDS).encode() for n in range(number)]


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    write_warc(tmp_path / "in" / "good.warc.gz", pages(5))
    path = tmp_path / "p.yaml"
    path.write_text("name: bad\noutput: out\nstages:\n  - read.warc: {paths: in/*}\n  - id: pages\n    extract.html: {}\n")
    return path


def texts(folder: Path) -> list[str]:
    return [text for path in sorted(folder.glob("documents-*")) for text in pq.read_table(path)["text"].to_pylist()]


def test_a_truncated_warc_gives_what_it_holds_and_code_3(pipeline: Path):
    whole = pipeline.parent / "in" / "torn.warc.gz"
    write_warc(whole, pages(4))
    content = whole.read_bytes()
    whole.write_bytes(content[:-60])
    done = call("run", pipeline, "-q")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "torn.warc.gz" in done.stderr
    assert len(texts(pipeline.parent / "out" / "pages")) == 5 + 3


@pytest.mark.parametrize("content", [b"", b"<html><body>not a WARC</body></html>", gzip.compress(b"<html></html>")])
def test_a_file_that_is_no_warc_is_set_aside_with_code_3_and_the_others_can_go_on(pipeline: Path, content: bytes):
    (pipeline.parent / "in" / "bad.warc.gz").write_bytes(content)
    done = call("run", pipeline, "-q")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "bad.warc.gz" in done.stderr
    assert "--max-failed-shards 1" in done.stderr
    assert not (pipeline.parent / "out" / "pages").exists()
    again = call("run", pipeline, "-q", "--max-failed-shards", "1")
    assert again.returncode == 3
    assert len(texts(pipeline.parent / "out" / "pages")) == 5


def test_a_missing_input_is_code_2_and_nothing_is_made(pipeline: Path):
    pipeline.write_text(pipeline.read_text().replace("in/*", "nowhere/*.warc.gz"))
    done = call("run", pipeline)
    assert done.returncode == 2
    assert "p.yaml:4:17: stages.0.read.warc.paths: 'nowhere/*.warc.gz' matches no file" in done.stderr
    assert not (pipeline.parent / "out").exists()


def test_a_page_of_nul_bytes_is_dropped_with_a_reason(pipeline: Path):
    write_warc(pipeline.parent / "in" / "nul.warc.gz", [b"\0" * 5000, *pages(2)])
    rows = orjson.loads(call("run", pipeline, "--json").stdout)
    counters = {stage["stage"]: stage for stage in rows[0]["stages"]}
    assert counters["extract.html"]["kept"] == 7
    assert sum(counters["extract.html"]["dropped"].values()) == 1
    found = call("explain", pipeline.parent / "out", "--url", "http://a.example/nul.warc/0", "--json")
    assert orjson.loads(found.stdout)[0]["verdict"] == "dropped"


@pytest.fixture
def mixture(tmp_path: Path) -> Path:
    for name in ("code", "math"):
        (tmp_path / name).mkdir()
        writer = ShardWriter(tmp_path / name / "part", np.uint16)
        for length in (700, 300, 1100):
            writer.add(np.arange(length, dtype=np.int64) % 500)
        writer.close()
    path = tmp_path / "m.yaml"
    path.write_text(
        "name: m\nseed: 1\nsequence_length: 32\nsources:\n  code: {shards: code}\n  math: {shards: math}\n"
        "stages:\n  - name: one\n    tokens: {code: 640, math: 320}\n"
    )
    return path


def test_json_and_mixture_json_are_the_same_object(mixture: Path):
    done = call("build-mixture", mixture, "--output", mixture.parent / "out", "--json")
    assert done.returncode == 0
    assert "neither" in done.stderr or "not checked" in done.stderr
    printed, written = orjson.loads(done.stdout), orjson.loads((mixture.parent / "out" / "mixture.json").read_bytes())
    assert {key: printed[key] for key in written} == written
    stage = written["stages"][0]
    assert stage["first_sample"] == 0
    assert stage["num_samples"] == 30
    assert stage["sources"]["code"] == {"tokens_asked": 640, "tokens": 640, "num_samples": 20, "epochs": pytest.approx(20 / 65, abs=1e-6)}
    assert [source["name"] for source in written["sources"]] == ["code", "math"]
    assert np.load(mixture.parent / "out" / "dataset_index.npy").dtype == np.int16
    assert np.load(mixture.parent / "out" / "dataset_sample_index.npy").dtype == np.int64


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("code: 640", "code: 64000", r"m.yaml:5:3: source 'code' must give"),
        ("shards: math", "shards: code", r"code"),
        ("shards: math", "shards: maths", r"m.yaml:6:3: source 'math'"),
        ("tokens: {code: 640, math: 320}", "tokens: 960\n    weights: {code: -1, math: 1}", r"-1"),
        ("tokens: {code: 640, math: 320}", "tokens: 960\n    weights: {code: 0, math: 0}", r"sum to 0"),
        ("sequence_length: 32", "sequence_lenght: 32", r"did you mean 'sequence_length'"),
        ("math: 320}", "meth: 320}", r"did you mean 'math'"),
    ],
)
def test_what_cannot_be_is_refused_with_code_2_and_leaves_no_result(mixture: Path, old: str, new: str, message: str):
    assert old in mixture.read_text()
    mixture.write_text(mixture.read_text().replace(old, new, 1))
    done = call("build-mixture", mixture, "--output", mixture.parent / "out")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("error: ")]) == 1
    assert not (mixture.parent / "out").exists()


@pytest.mark.parametrize(
    "name", ["code/part.bin", "code/part.idx", "out/dataset_index.npy", "out/dataset_sample_index.npy", "out/mixture.json"]
)
def test_a_flipped_byte_makes_verify_end_with_code_5_and_name_the_file(mixture: Path, name: str):
    assert call("build-mixture", mixture, "--output", mixture.parent / "out", "-q").returncode == 0
    assert call("verify", mixture.parent / "out", "--full").returncode == 0
    path = mixture.parent / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    done = call("verify", mixture.parent / "out", "--full")
    assert done.returncode == 5, done.stdout + done.stderr
    assert Path(name).name in done.stderr or "part" in done.stderr


def test_a_mixture_in_use_is_locked(mixture: Path):
    from mathcode_data.core.lock import locked

    with locked(mixture.parent / "out"):
        done = call("build-mixture", mixture, "--output", mixture.parent / "out", "-q")
    assert done.returncode == 4
    assert "works here" in done.stderr


def test_a_place_that_cannot_be_written_is_one_line_and_code_2(tmp_path: Path):
    """It was a traceback and code 1."""
    path = make_toy(tmp_path)
    assert call("run", path).returncode == 0
    done = call("inspect", tmp_path / "out", "--html", "/proc/nowhere/report.html")
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: /proc/nowhere")
