"""Lay out ../shared/data as the folder `data/` that pipelines/math.yaml and code.yaml read.

    python tests/bench/real_input.py [--tokenizer deepseek-llm | gpt-2] [--output data] [--force]

Pages become WARC files: `seed` holds every second mathematical page of three documentation sets, `random` every second
other page of three sets, `crawl` all pages of all sets. So most mathematical sites are unknown to the classifier.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import shutil
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import zstandard
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
DATE = "2026-01-01T00:00:00Z"
SEED_SETS = ("sagemath_doc", "cp_algorithms", "discrete_math_pretext")
RANDOM_SETS = ("postgresql_doc", "python311_doc", "trafilatura_eval")
PAGES_PER_WARC = 500
MARK = ".made-by-real-input"


def pages(name: str) -> Iterator[tuple[dict[str, Any], bytes]]:
    """(index row, bytes) of every page of a set, in the order of the index."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=2**27)
    raw = decompressor.stream_reader((SHARED / "html" / f"{name}.tar.zst").open("rb")).read()
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        contents = {member.name.removeprefix("./"): tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]
    index = decompressor.stream_reader((SHARED / "html" / f"{name}.index.jsonl.zst").open("rb")).read()
    for line in index.decode().splitlines():
        row = json.loads(line)
        content = next((contents[key] for key in (row["file"], row["id"]) if key in contents), None)
        if content is None:
            raise SystemExit(f"{name}: {row['file']} stands in the index and not in the archive ({next(iter(contents))})")
        yield row | {"set": name}, content


def url_of(row: dict[str, Any]) -> str:
    return row["url"] or f"http://{row['set'].replace('_', '-')}.example/{quote(row['file'])}"


def write_warcs(folder: Path, name: str, rows: list[tuple[dict[str, Any], bytes]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(0, len(rows), PAGES_PER_WARC):
        with (folder / f"{name}-{number // PAGES_PER_WARC:05d}.warc.gz").open("wb") as file:
            writer = WARCWriter(file, gzip=True, warc_version="1.1")
            for row, content in rows[number : number + PAGES_PER_WARC]:
                http = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
                record_id = f"<urn:uuid:{uuid.UUID(hashlib.md5(row['id'].encode()).hexdigest())}>"
                headers = {"WARC-Date": DATE, "WARC-Record-ID": record_id}
                record = writer.create_warc_record(
                    url_of(row), "response", payload=io.BytesIO(content), http_headers=http, warc_headers_dict=headers
                )
                writer.write_record(record)


def make_room(folder: Path, *, force: bool) -> None:
    """Remove the folder of an earlier run, then make it anew with the mark that it is ours.

    Raises:
        SystemExit: it holds what this script did not make.
    """
    is_ours = (folder / MARK).is_file()
    if folder.exists() and any(folder.iterdir()):
        if not is_ours and not force:
            raise SystemExit(
                f"{folder}: there already, and not made by {Path(__file__).name} (no {MARK} in it); it would be removed with all in it: "
                "move it, give another --output, or --force"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text(f"made by {Path(__file__).name}; removed and made again when it runs\n")


def lay_out(folder: Path, tokenizer: str, *, force: bool = False) -> dict[str, int]:
    """Write the folder; returns the number of pages in each part."""
    names = sorted(path.name.removesuffix(".tar.zst") for path in (SHARED / "html").glob("*.tar.zst"))
    parts: dict[str, list[tuple[dict[str, Any], bytes]]] = {"seed": [], "random": [], "crawl": []}
    for name in names:
        for row, content in pages(name):
            even = int(hashlib.md5(row["id"].encode()).hexdigest(), 16) % 2 == 0
            parts["crawl"].append((row, content))
            if even and name in SEED_SETS and row["label"] == "math":
                parts["seed"].append((row, content))
            if even and name in RANDOM_SETS and row["label"] == "nonmath":
                parts["random"].append((row, content))
    make_room(folder, force=force)
    for part, rows in parts.items():
        write_warcs(folder / part, part, rows)
    shutil.copytree(SHARED / "benchmarks", folder / "benchmarks")
    (folder / "tokenizer.json").write_bytes(gzip.decompress((SHARED / "tokenizers" / f"{tokenizer}.tokenizer.json.gz").read_bytes()))
    labels = [{"url": url_of(row), "label": row["label"], "set": row["set"]} for row, _ in parts["crawl"] if row["label"] != "ambiguous"]
    (folder / "labels.jsonl").write_text("".join(json.dumps(label) + "\n" for label in labels))
    return {part: len(rows) for part, rows in parts.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", default="deepseek-llm", choices=["deepseek-llm", "gpt-2"])
    parser.add_argument("--output", type=Path, default=ROOT / "data")
    parser.add_argument("--force", action="store_true", help="remove the folder even if something else made it")
    options = parser.parse_args()
    print(json.dumps(lay_out(options.output, options.tokenizer, force=options.force)))
