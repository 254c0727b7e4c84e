"""A project to begin with: commented pipeline, mixture and training files, and pages so that all of it runs offline."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from mathcode_data.core.errors import ConfigError
from mathcode_data.quickstart.capture import capture_site
from mathcode_data.quickstart.run import shipped_file
from mathcode_data.quickstart.site import Site, build_site

TEMPLATE = Path(__file__).parent / "project"
BENCHMARK = "pipelines/quickstart-benchmark.jsonl"
HOSTS = {"math-seed": "seed", "random-web": "random", "crawl": "crawl"}
"""Host of the invented site -> folder under data/."""
SITE_SEED = 17
IGNORED = "/results/\n/mixture*/\n/training/\n/data/\n"


def init_project(folder: Path, say: Callable[[str], None]) -> list[Path]:
    """Write the project into a new or empty folder; returns the files, relative to it.

    The folder appears whole or not at all: it is made beside its place and renamed.

    Raises:
        ConfigError: the place is taken.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder}: already there and not empty; name a new folder")
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.absolute().parent) as temporary:
        made = Path(temporary) / "project"
        shutil.copytree(TEMPLATE, made, ignore=shutil.ignore_patterns("__pycache__"))
        (made / ".gitignore").write_text(IGNORED, encoding="utf-8")
        (made / "data" / "benchmarks").mkdir(parents=True)
        shutil.copyfile(shipped_file(BENCHMARK), made / "data" / "benchmarks" / "puzzles.jsonl")
        site = build_site(SITE_SEED)
        for host, name in HOSTS.items():
            say(f"writing data/{name}: invented pages of {host}")
            capture_site(Site(site.seed, {host: site.hosts[host]}), made / "data" / name)
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def next_steps(folder: Path) -> str:
    """What to type next."""
    return (
        f"a project in {folder}; every file in it is short and says what it does. Next:\n"
        f"  cd {folder}\n"
        "  mathcode-data plan mixtures/mixed.yaml\n"
        "  mathcode-data build-mixture mixtures/mixed.yaml --output mixture\n"
        "  mathcode-data inspect mixture\n"
        "  mathcode-data train train.yaml\n"
        "then put your own pages under data/ and change the files"
    )
