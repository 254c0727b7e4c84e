#!/usr/bin/env bash
# Make data.lock and trainer.lock anew from pyproject.toml: every package with its version and hashes, for Python 3.11 on x86-64 Linux.
# Needs uv (pip install uv).
set -euo pipefail
cd "$(dirname "$0")/.."
lock() {  # lock NAME FURTHER EXTRA...
    local name=$1 further=$2 extras=(); shift 2
    for extra in "$@"; do extras+=(--extra "$extra"); done
    printf '%s\n' 'hatchling>=1.25' "$further" | uv pip compile pyproject.toml - "${extras[@]}" --generate-hashes --python-version 3.11 \
        --python-platform x86_64-manylinux_2_28 --no-emit-index-url --no-annotate --quiet \
        --custom-compile-command "docker/lock.sh" --output-file "docker/$name.lock"
}
# the dashboard of a cluster, `ray job submit` and the health checks of KubeRay are in Ray's extra `default`
lock data 'ray[default]' ray remote web code s3
lock trainer '' train
