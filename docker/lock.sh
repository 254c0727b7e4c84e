#!/usr/bin/env bash
# Make data.lock and trainer.lock anew from pyproject.toml: every package with its version and hashes, for Python 3.11 on x86-64 Linux.
# Needs uv (pip install uv).
set -euo pipefail
cd "$(dirname "$0")/.."
lock() {  # lock NAME EXTRA...
    local name=$1 extras=(); shift
    for extra in "$@"; do extras+=(--extra "$extra"); done
    printf 'hatchling>=1.25\n' | uv pip compile pyproject.toml - "${extras[@]}" --generate-hashes --python-version 3.11 \
        --python-platform x86_64-manylinux_2_28 --no-emit-index-url --no-annotate --quiet \
        --custom-compile-command "docker/lock.sh" --output-file "docker/$name.lock"
}
lock data ray remote web code s3
lock trainer train
