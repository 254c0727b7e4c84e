"""Try a Dockerfile without a container engine: its instructions, one after the other, in a clean Debian root.

    sudo python tests/docker/build_in_chroot.py docker/data.Dockerfile --scratch /tmp/root

The base image is stood in for by Debian bookworm from debootstrap with python3-venv, which is what python:3.11-slim-bookworm
is made of but for the interpreter's build. Each stage has a root of its own; pip's and apt's configuration of this machine
is laid into it, since that is where packages come from. At the end the ENTRYPOINT runs as the USER with CMD.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from dockerfile_parse import DockerfileParser

CHECKOUT = Path(__file__).parents[2]
PACKAGES = "python3,python3-venv,ca-certificates"


def main() -> None:
    """Build every stage and run the image's command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dockerfile", type=Path)
    parser.add_argument("--scratch", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    clean = _debian(arguments.scratch / "debian")
    stages: dict[str, Path] = {}
    root, environment, user, folder, entrypoint, command = clean, {}, "0:0", "/", [], []
    for part in DockerfileParser(path=str(arguments.dockerfile)).structure:
        word, value = part["instruction"], part["value"]
        if word == "FROM":
            name = value.split(" AS ")[1] if " AS " in value else "last"
            root = arguments.scratch / name
            shutil.rmtree(root, ignore_errors=True)
            subprocess.run(["cp", "-a", str(clean), str(root)], check=True)
            stages[name] = root
            environment, user, folder = {}, "0:0", "/"
        elif word == "ENV":
            environment |= dict(pair.split("=", 1) for pair in shlex.split(value))
        elif word == "COPY":
            _copy(value, root, stages)
        elif word == "RUN":
            print(f"== {value[:110]}", flush=True)
            _in_root(root, ["/bin/sh", "-c", value], environment, user, folder)
        elif word == "USER":
            user = value
        elif word == "WORKDIR":
            folder = value
        elif word == "ENTRYPOINT":
            entrypoint = json.loads(value)
        elif word == "CMD":
            command = json.loads(value)
        elif word not in ("ARG", "COMMENT"):
            sys.exit(f"{arguments.dockerfile}: {word} is not known here")
    print(f"== {entrypoint + command} as {user}", flush=True)
    _in_root(root, entrypoint + command, environment, user, folder)


def _debian(root: Path) -> Path:
    if not (root / "etc/debian_version").exists():
        sources = Path("/etc/apt/sources.list")
        found = re.search(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)", sources.read_text() if sources.exists() else "", re.MULTILINE)
        mirror = [found[1]] if found else []
        subprocess.run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root), *mirror], check=True)
    for name in ("etc/pip.conf", "etc/resolv.conf", "etc/hosts", "etc/apt/apt.conf.d", "etc/apt/sources.list", "etc/ssl/certs"):
        source = Path("/") / name
        if source.exists():
            subprocess.run(["cp", "-aL", "-T", str(source), str(root / name)], check=False)
    return root


def _copy(value: str, root: Path, stages: dict[str, Path]) -> None:
    *sources, target = value.split()
    origin = CHECKOUT
    if sources[0].startswith("--from="):
        origin = stages[sources.pop(0).removeprefix("--from=")]
    place = root / target.lstrip("/")
    for source in sources:
        found = origin / source.lstrip("/")
        into = place / found.name if target.endswith("/") else place
        into.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", "-T", "--no-preserve=ownership", str(found), str(into)], check=True)


def _in_root(root: Path, command: list[str], environment: dict[str, str], user: str, folder: str) -> None:
    (root / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "http", "HTTP", "SSL_"))}
    shown = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/tmp", **kept, **environment}
    enter = ["unshare", "--mount", "--pid", "--fork", f"--root={root}", f"--wd={folder}", "--mount-proc"]
    if user != "0:0":
        enter += ["setpriv", f"--reuid={user.split(':')[0]}", f"--regid={user.split(':')[1]}", "--clear-groups"]
    subprocess.run([*enter, *command], env=shown, check=True)


if __name__ == "__main__":
    main()
