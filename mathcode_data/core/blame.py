"""Say in one line where an exception of somebody's stage came from: file and line of the innermost frame of their code.

A traceback names forty lines of ours and of libraries; the one that its reader can mend is in the stage's own files.
"""

from __future__ import annotations

import re
import site
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path

OURS = str(Path(__file__).parents[1])
MAX_TEXT_CHARACTERS = 400
LINE_AND_COLUMN = re.compile(r":[0-9]+:[0-9]+$")


def at_place(place: str, error: object) -> str:
    """Put the place `file:line:column` before a message, unless it names a place in that file already.

    >>> at_place("m.yaml:5:3", "no shard"), at_place("m.yaml:5:3", "m.yaml:5:9: no shard")
    ('m.yaml:5:3: no shard', 'm.yaml:5:9: no shard')
    """
    text = str(error)
    file = LINE_AND_COLUMN.sub("", place)
    return text if not place or text.startswith(f"{file}:") else f"{place}: {text}"


def raised(error: BaseException, module: str = "") -> str:
    """Describe an exception as `FILE:LINE: TYPE: MESSAGE`, with the innermost line that belongs to the module's package.

    Args:
        error: as it was caught.
        module: dotted name of the stage's module; frames of its top package count as the user's wherever they are installed.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}"
    text = " ".join(str(error).split())[:MAX_TEXT_CHARACTERS]
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    frames = list(_frames(error))
    users = [place for place, name in frames if _is_users(place, name, module.partition(".")[0])]
    places = users or [place for place, _ in frames]
    return f"{places[-1]}: {what}" if places else what


def _frames(error: BaseException) -> Iterator[tuple[str, str]]:
    """`FILE:LINE` and module of every frame, outermost first."""
    for frame, line in traceback.walk_tb(error.__traceback__):
        yield f"{frame.f_code.co_filename}:{line}", str(frame.f_globals.get("__name__", ""))


def _is_users(place: str, name: str, package: str) -> bool:
    if package and name.partition(".")[0] == package:
        return True
    libraries = (OURS, sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["platstdlib"], *site.getsitepackages())
    return Path(place).is_absolute() and not place.startswith(libraries)  # compiled code names its sources without their folder
