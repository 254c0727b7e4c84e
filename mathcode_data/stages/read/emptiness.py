"""An input that holds no record at all is a mistake in the paths, or a download that failed: an error, never an empty result.

One empty file among others is counted as `empty_files` where it is read (writers leave such files for empty partitions).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.stage import Split


def require_records(splits: Sequence[Split], holds_record: Callable[[Path], bool], what: str) -> None:
    """Look at the files until one holds a record: the first one, as a rule.

    Args:
        splits: of one file each.
        holds_record: tells for a file; True where it cannot be told, so that the task that reads the file says what is wrong.
        what: names the records in the error, as in "line".

    Raises:
        ConfigError: none does.
    """
    files = [file for split in splits for file in split.files]
    if not any(holds_record(Path(file)) for file in files):
        where = files[0] if len(files) == 1 else f"{len(files):,} files, the first is {files[0]}"
        raise ConfigError(f"paths: the input holds no {what} ({where}); fetch it again, or name another input")
