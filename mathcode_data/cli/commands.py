"""All commands: each module adds its own to `app`, and they stand in `--help` in the order of the imports here."""

from mathcode_data.cli import runs, upkeep, recall, look, contamination, exchange, pages, train, study, start, reference  # noqa: F401, I001  (this order is the order of --help)
from mathcode_data.cli.app import app

__all__ = ["app"]
