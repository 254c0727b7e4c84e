"""kill -9 at random times of a whole job, then the same command again: the bytes of an undisturbed run must come out.

    python tests/faults/kill_at_random.py pool --kills 50 --seed 1 --scratch DIR        driver and pool workers, the small job
    python tests/faults/kill_at_random.py quickstart --kills 20 --scratch DIR           the same, the whole quickstart
    python tests/faults/kill_at_random.py ray --kills 50 --scratch DIR                  driver, Ray workers and raylets of a cluster
    python tests/faults/kill_at_random.py quickstart-on-ray --kills 50 --scratch DIR    the same, the whole quickstart

A life is one start of the command. In each, up to two workers (a task is set aside after the third death of its worker) or
nodes die, and mostly the driver, at random times; a worker of Ray dies at its work, for which the moment is waited for. A job is
done when a life ends by itself with exit code 0; then the next job begins in a new folder, until the number of kills is reached.
Standard output gets one line of JSON; `--output tests/bench/results/kills.json` puts it beside what other targets and seeds gave.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from support.campaign import about, added, read_campaign, write_campaign
from support.engine import TESTS, tree_hashes
from support.tiny_job import tree, write_inputs

DEADLINE_S = 900.0
NUM_FILES, WAIT_S = 8, 0.15
MAX_LIVES = 60


class Job:
    """The small job in a folder."""

    name = "pool"
    workers_a_life = 2
    kinds: tuple[str, ...] = ("worker",)
    """What may die beside the driver."""
    patience_s = 0.0
    """How long a kill waits for a process of its kind."""
    share_a_life = 1.0
    """Kills of a life fall into this share of the time that the job takes undisturbed."""
    driver_dies = 0.7
    """In this share of all lives the driver is killed."""
    arguments: tuple[str, ...] = ("--workers", "2")

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        write_inputs(self.folder, num_files=NUM_FILES, wait_s=WAIT_S)

    def command(self) -> list[str]:
        return ["build-mixture", str(self.folder / "mix.yaml"), "--output", str(self.folder / "mixture"), *self.arguments, "--quiet"]

    def tree(self) -> dict[str, str]:
        return tree(self.folder)

    def workers(self, driver: psutil.Process) -> list[psutil.Process]:
        """The driver's children and theirs: pool workers, and the children that these use for foreign bytes."""
        return driver.children(recursive=True)

    def victims(self, driver: psutil.Process) -> list[tuple[str, psutil.Process]]:
        return [("worker", process) for process in self.workers(driver)]

    def mend(self) -> None:
        """Bring back what a kill took away from the cluster."""


class Quickstart(Job):
    """The whole quickstart: pages, shards, mixture, training."""

    name = "quickstart"
    share_a_life = 0.4
    driver_dies = 0.85

    def prepare(self) -> None:
        self.folder.mkdir(parents=True)

    def command(self) -> list[str]:
        return ["quickstart", str(self.folder / "quickstart"), *self.arguments]

    def tree(self) -> dict[str, str]:
        """Results, mixture and the bytes of the last checkpoint; not the files that hold times."""
        found = {}
        for path in sorted(path for path in (self.folder / "quickstart").rglob("*") if path.is_file()):
            name = str(path.relative_to(self.folder))
            if path.suffix in (".npy", ".bin", ".idx", ".parquet", ".safetensors", ".xxh3") or path.name in ("tokenizer.json",):
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        manifests = {name: value for name, value in tree_hashes(self.folder / "quickstart").items() if name.endswith("manifest.json")}
        return found | manifests


class Life:
    """One start of the command."""

    def __init__(self, job: Job) -> None:
        environment = os.environ | {"PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"}
        command = [sys.executable, "-m", "mathcode_data.cli", *job.command()]
        self.said = job.folder.with_name("said")
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=said)

    def wait(self, seconds: float) -> int | None:
        """Its exit code, if it ends within these seconds."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None


def one_life(job: Job, draw: random.Random, budget: int, killed: Counter[str], alone_s: float) -> int | None:
    """Start the command and kill around in it; gives the exit code if it ended by itself."""
    life, begun = Life(job), time.monotonic()
    kinds = [draw.choice(job.kinds) for _ in range(draw.randint(0, job.workers_a_life))] + ["driver"] * (draw.random() < job.driver_dies)
    times = sorted(draw.uniform(0.0, job.share_a_life * alone_s) for _ in kinds)
    for moment, kind in zip(times[:budget], kinds, strict=False):
        if (code := life.wait(max(0.0, begun + moment - time.monotonic()))) is not None:
            return code
        if kind == "driver":
            life.process.kill()
            life.process.wait()
            killed["driver"] += 1
            return None
        if (victim := find_victim(job, life, kind, draw)) is None:
            continue
        try:
            victim.send_signal(signal.SIGKILL)
            killed[kind] += 1
        except psutil.NoSuchProcess:
            continue
        job.mend()
    code = life.wait(DEADLINE_S)
    if code is None:
        life.process.kill()
        raise AssertionError(f"{job.folder}: no end within {DEADLINE_S} s: {life.said.read_text(errors='replace')[-2000:]}")
    return code


def find_victim(job: Job, life: Life, kind: str, draw: random.Random) -> psutil.Process | None:
    """A process of that kind, if there is one before the job's patience or the life ends."""
    deadline = time.monotonic() + job.patience_s
    while True:
        try:
            victims = [process for name, process in job.victims(psutil.Process(life.process.pid)) if name == kind]
        except psutil.NoSuchProcess:
            victims = []
        if victims or time.monotonic() >= deadline or life.process.poll() is not None:
            return draw.choice(victims) if victims else None
        time.sleep(0.01)


def campaign(job_of: Any, scratch: Path, num_kills: int, seed: int) -> dict[str, Any]:
    """Jobs after one another, until so many processes were killed."""
    draw = random.Random(seed)
    undisturbed = job_of(scratch / "undisturbed")
    undisturbed.prepare()
    start = time.monotonic()
    life = Life(undisturbed)
    assert life.wait(DEADLINE_S) == 0, life.said.read_text(errors="replace")
    alone_s = time.monotonic() - start
    expected = undisturbed.tree()
    killed: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    jobs = equal = 0
    differing: list[str] = []
    said: list[str] = []
    is_told_to_end: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: is_told_to_end.append(number))  # end this job undisturbed, then sum up
    while sum(killed.values()) < num_kills and not is_told_to_end:
        job = job_of(scratch / f"job-{jobs}")
        job.prepare()
        code = None
        for number in range(MAX_LIVES):
            left = num_kills - sum(killed.values()) if number < 20 and not is_told_to_end else 0
            begun = time.monotonic()
            code = one_life(job, draw, max(0, left), killed, alone_s)
            codes["killed" if code is None else str(code)] += 1
            if code:
                said.append(f"exit code {code}: {(scratch / 'said').read_text(errors='replace').strip()[-300:]}")
            if code == 0:
                if number == 0:  # the machine may have become faster or slower, and kills would come too late or too early
                    alone_s = (alone_s + time.monotonic() - begun) / 2
                break
        assert code == 0, f"job {jobs} did not end after {MAX_LIVES} starts: {(scratch / 'said').read_text(errors='replace')[-2000:]}"
        found = job.tree()
        jobs += 1
        if found == expected:
            equal += 1
            shutil.rmtree(job.folder)
        else:
            differing += [
                f"{job.folder.name}/{name}" for name in sorted(found.keys() | expected.keys()) if found.get(name) != expected.get(name)
            ]
    return {"target": undisturbed.name, "seed": seed, "kills": sum(killed.values()), "killed": dict(killed), "jobs": jobs, "equal": equal,
            "lives": dict(codes), "files": len(expected), "undisturbed_s": round(alone_s, 1), "seconds": round(time.monotonic() - start, 1),
            "differing": differing[:20], "said": said[:10]}  # fmt: skip


def keep(path: Path, found: dict[str, Any]) -> None:
    """Add a campaign to a result file; one of the same target and seed goes."""
    data = read_campaign(path, "kills")
    name = f"{found['target']}, seed {found['seed']}"
    data["runs"][name] = found | about(*(["ray"] if "ray" in found["target"] else []))
    runs = list(data["runs"].values())
    data["facts"] = {
        "kills": sum(run["kills"] for run in runs),
        "killed": added(*(run["killed"] for run in runs)),
        "kills_of_target": added(*({run["target"]: run["kills"]} for run in runs)),
        "jobs": sum(run["jobs"] for run in runs),
        "jobs_with_equal_bytes": sum(run["equal"] for run in runs),
        "lives": added(*(run["lives"] for run in runs)),
        "seconds": round(sum(run["seconds"] for run in runs), 1),
    }
    write_campaign(path, data | about("ray"))


def main() -> int:
    """Run a campaign; 1 if bytes differ."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target", choices=("pool", "quickstart", "ray", "quickstart-on-ray"))
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--output", type=Path, help="a result file to add this campaign to")
    asked = parser.parse_args()
    job = Quickstart if "quickstart" in asked.target else Job
    if "ray" in asked.target:
        from ray_nodes import ray_jobs

        with ray_jobs(job) as job_of:
            found = campaign(job_of, asked.scratch, asked.kills, asked.seed)
    else:
        found = campaign(job, asked.scratch, asked.kills, asked.seed)
    found["said"] = [line.replace(str(asked.scratch), "SCRATCH") for line in found["said"]]
    if asked.output:
        keep(asked.output, found)
    print(json.dumps(found))
    return 0 if found["equal"] == found["jobs"] else 1


if __name__ == "__main__":
    sys.exit(main())
