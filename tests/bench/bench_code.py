"""The way of source code: files in, kept and dropped by rule and language, and the speed of redaction beside detect-secrets.

    apt-get --download-only source zlib jq golang-github-spf13-cobra      (in a folder of its own: archives are read as they are)
    MATHCODE_BENCH_SOURCES=FOLDER python tests/bench/run_all.py --only code

Read are the standard library, permissive packages as installed here, and the archives `*.orig.tar.*` of that folder. The share
of bytes that the rules keep stands beside the paper's 32.8 %, and beside that of web pages and of packages with much data. The
first table is of `read.code` alone, file by file; the others are of pipelines/code.yaml and code-fim.yaml as they are shipped, stage
by stage, to tokens.
"""

from __future__ import annotations

import gzip
import importlib.util
import os
import re
import shutil
import sys
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import zstandard
from harness import ROOT, Bench, Options, SkipError

PACKAGES = ("stdlib", "numpy", "networkx", "jinja2", "pygments", "requests", "click")
PAPER_KEPT = 0.328
"""Share of bytes that DeepSeek-Coder's rules kept of all public GitHub."""
BENCHMARKS = ("humaneval_python.jsonl", "mbpp.jsonl", "gsm8k_test.jsonl")
SAMPLE_BYTES = 300_000

PIPELINES = ("code.yaml", "code-fim.yaml")
OTHER_PACKAGES = ("cfnlint", "botocore")
"""Packages with much data among their files."""


def inputs() -> tuple[list[str], list[Path]]:
    """Packages that are installed, and archives of Debian's source packages."""
    packages = [name for name in PACKAGES if name == "stdlib" or importlib.util.find_spec(name) is not None]
    folder = os.environ.get("MATHCODE_BENCH_SOURCES")
    return packages, sorted(Path(folder).glob("*.orig.tar.*")) if folder else []


def judged(packages: list[str], archives: list[Path]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Files and bytes by language, verdict: what `read.code` does with each file."""
    from mathcode_data.core.counters import Ledger
    from mathcode_data.stages.read.code import CodeSource, Config
    from mathcode_data.stages.read.languages import language_of
    from mathcode_data.stages.read.source_trees import Repository, find_folders, find_packages

    files: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()

    class Counting(CodeSource):
        """Sees every file, also those that a listing would leave out by name."""

        def _repositories(self, inputs: Any, skipped: Counter[str]) -> list[Repository]:
            def own(name: str) -> None:
                return None

            folders = find_folders(inputs.folders, 0, self._filter, skipped, own, inputs.read_otherwise())
            return [tree for tree in (*folders, *find_packages(self._config.packages, self._filter, skipped, own)) if tree.files]

        def _row(self, repository: str, name: str, content: bytes, of_tree: str, ledger: Ledger, **known: Any) -> dict[str, Any] | None:
            before = Counter(ledger.counters.dropped)
            row = super()._row(repository, name, content, of_tree, ledger, **known)
            reasons = list(ledger.counters.dropped - before)
            key = (row["language"] if row else language_of(name) or "(none)", reasons[0] if reasons else "kept")
            files[key] += 1
            sizes[key] += len(content)
            return row

    config = Config.model_validate({"packages": packages, "paths": [str(path) for path in archives]})
    source, ledger = Counting(config), Ledger("read.code")
    for split in source.splits():
        for _ in source.read(split, ledger):
            pass
    return _nested(files), _nested(sizes)


def _nested(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    languages = sorted({language for language, _ in counts})
    return {
        language: {verdict: number for (other, verdict), number in sorted(counts.items()) if other == language} for language in languages
    }


def through_pipelines(packages: list[str], archives: list[Path], options: Options, folder: Path) -> dict[str, Any]:
    """Read, kept, dropped and facts of each stage of pipelines/code.yaml and code-fim.yaml, on other inputs."""
    from mathcode_data.core.manifest import read_result
    from support.engine import run as run_pipeline

    shutil.rmtree(folder, ignore_errors=True)
    (folder / "pipelines").mkdir(parents=True)
    (folder / "data" / "benchmarks").mkdir(parents=True)
    for name in BENCHMARKS:
        shutil.copy(options.shared() / "benchmarks" / name, folder / "data" / "benchmarks")
    (folder / "data" / "tokenizer.json").write_bytes(
        gzip.decompress((options.shared() / "tokenizers" / "deepseek-llm.tokenizer.json.gz").read_bytes())
    )
    given = f"packages: [{', '.join(packages)}], paths: [{', '.join(map(str, archives))}]"
    stages: dict[str, Any] = {}
    for name in PIPELINES:
        content = (ROOT / "pipelines" / name).read_text(encoding="utf-8")
        path = folder / "pipelines" / name
        path.write_text(re.sub(r"packages: \[[^\]]*\]", given, content), encoding="utf-8")
        run_pipeline(path)
        found = []
        results = folder / "results" / path.stem
        for manifest in sorted(results.rglob("manifest.json"), key=lambda path: path.stat().st_mtime):
            result = read_result(manifest.parent).manifest
            facts = {name: value for name, value in result.facts.items() if isinstance(value, int | float)}
            found += [counters.to_json() | {"result": facts | {"tokens": result.num_tokens}} for counters in result.counters]
        stages[name] = found
    return stages


def elsewhere(options: Options) -> dict[str, Any]:
    """Share of the bytes that the rules keep of what hand-written packages hardly have: web pages, and data beside source."""
    from mathcode_data.core.counters import Ledger
    from mathcode_data.stages.read.code import CodeSource, Config

    folder = options.scratch / "pages"
    pages = 0
    for archive in sorted((options.shared() / "html").glob("*.tar.zst")):
        stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(archive.open("rb"), closefd=True)
        with stream, tarfile.open(fileobj=stream, mode="r|") as members:
            for member in members:
                if member.isfile() and member.name.endswith((".html", ".htm")) and pages < options.scaled(3000):
                    (folder / archive.stem).mkdir(parents=True, exist_ok=True)
                    content = members.extractfile(member)
                    assert content is not None, f"{member.name} is a file"
                    (folder / archive.stem / f"{pages}.html").write_bytes(content.read())
                    pages += 1
    found: dict[str, Any] = {}
    inputs = {"web pages": {"paths": [str(folder)]}} | {
        name: {"packages": [name]} for name in OTHER_PACKAGES if importlib.util.find_spec(name) is not None
    }
    for name, values in inputs.items():
        source, ledger = CodeSource(Config.model_validate({**values, "licenses": "any"})), Ledger("read.code")
        kept = total = 0
        for split in source.splits():
            total += sum(Path(path).stat().st_size for path in split.files if Path(path).is_file())
            kept += sum(len(text.encode()) for table in source.read(split, ledger) for text in table["text"].to_pylist())
        found[name] = {"bytes": total, "kept_share_of_bytes": round(kept / max(1, total), 4), "dropped": dict(ledger.counters.dropped)}
    return found


def slow_scan(text: str) -> int:
    """Every line through every detector: what detect-secrets does with a file."""
    from mathcode_data.stages.redact.secret_scan import _by_name, _detectors

    keyword, _, entropies, _ = _by_name()
    plugins = [*(detector for _, detector in _detectors()), keyword, *entropies]
    return sum(1 for line in text.split("\n") for plugin in plugins for _ in plugin.analyze_string(line))


def run(options: Options) -> Bench:
    """Judge every file, run the pipeline, race the redaction."""
    sys.path.insert(0, str(ROOT / "tests"))
    if importlib.util.find_spec("detect_secrets") is None:
        raise SkipError("needs detect-secrets: pip install 'mathcode-data[code]'")
    from mathcode_data.stages.redact.secrets import Config, redact

    packages, archives = inputs()
    bench = Bench("code_pipeline", {"packages": packages, "archives": [path.name for path in archives], "preset": "deepseek-coder"})
    files, sizes = judged(packages, archives)
    kept, total = (sum(sum(row.values()) if every else row.get("kept", 0) for row in sizes.values()) for every in (False, True))
    bench.facts = {
        "files": files,
        "bytes": sizes,
        "kept_share_of_bytes": round(kept / total, 4),
        "paper_kept_share_of_bytes": PAPER_KEPT,
        "kept_elsewhere": elsewhere(options),
        "stages": through_pipelines(packages, archives, options, options.scratch / "code_pipeline"),
    }
    import sysconfig

    root = Path(sysconfig.get_paths()["stdlib"])
    text = "".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(root.glob("*.py")))[: options.scaled(SAMPLE_BYTES)]
    contenders = {
        "redact.secrets": lambda: redact(text, "Python", Config()),
        "redact.secrets, addresses only": lambda: redact(text, "Python", Config(secrets=False)),
        "detect-secrets, every line": lambda: slow_scan(text),
    }
    bench.race(contenders, "byte", len(text.encode()), repeats=min(3, options.repeats))
    bench.comparisons = [("redact.secrets", "detect-secrets, every line")]
    return bench
