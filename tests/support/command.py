"""Call the command line as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.engine import TESTS


def call(*arguments: str | Path, env: dict[str, str] | None = None, **options: object) -> subprocess.CompletedProcess[str]:
    """Run `mathcode-data ARGUMENTS` with the toy stages importable; wide lines, so that messages are not wrapped."""
    environment = os.environ | {"PYTHONPATH": str(TESTS), "COLUMNS": "200"} | (env or {})
    command = [sys.executable, "-m", "mathcode_data.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, **options)  # type: ignore[call-overload, no-any-return]
