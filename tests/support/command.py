"""Call the command line as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.engine import TESTS
from support.fork_server import server

ALL_IMPORT = ("mathcode_data.cli.commands", "pyarrow.parquet", "mathcode_data.runtime.driver", "mathcode_data.inspect.verify")
TRAINING = ("mathcode_data.trainer.loop", "mathcode_data.trainer.generate", "mathcode_data.trainer.export")
TRAINS = frozenset({"train", "generate", "huggingface"})
"""Words in a command that say that it imports torch."""
STORE = "AWS_ENDPOINT_URL"
"""Where this variable is set, results lie on an object store."""
OF_A_NEW_INTERPRETER = ("PYTHON", "LC_", "LANG")
"""Variables that Python reads when it starts."""


def call(*arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `mathcode-data ARGUMENTS` with the toy stages importable; wide lines, so that messages are not wrapped.

    The process is forked from one that has imported the command line, unless `env` names variables that Python reads at its start.
    """
    environment = os.environ | {"PYTHONPATH": str(TESTS), "COLUMNS": "200"} | (env or {})
    words = list(map(str, arguments))
    if any(name.startswith(OF_A_NEW_INTERPRETER) for name in env or {}):
        command = [sys.executable, "-m", "mathcode_data.cli", *words]
        return subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=False)
    imports = ALL_IMPORT + (TRAINING if TRAINS.intersection(words) else ()) + (("s3fs",) if STORE in environment else ())
    return server().run("mathcode_data.cli", words, environment, imports)
