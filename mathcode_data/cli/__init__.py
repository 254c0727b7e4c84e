"""The command line: thin functions over the rooms, and the only layer that prints.

Data goes to standard output, messages and progress to standard error. Rooms are imported inside the commands, so that
`--help` answers at once. Each module adds its commands to `app`; commands.py imports them all, once signals are heard.
"""

from mathcode_data.cli.main import main

__all__ = ["main"]
