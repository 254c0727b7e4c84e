"""The command line: thin functions over the rooms, and the only layer that prints.

Data goes to standard output, messages and progress to standard error. Rooms are imported inside the commands, so that
`--help` answers at once. Each module adds its commands to `app`; they stand in `--help` in the order of the imports here.
"""

from mathcode_data.cli import runs, upkeep, recall, look, contamination, exchange, pages, train, study, start, reference  # noqa: F401, I001  (this order is the order of --help)
from mathcode_data.cli.main import main

__all__ = ["main"]
