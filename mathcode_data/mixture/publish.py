"""How a mixture takes the place of an earlier one: in one step where the file system can, else name by name with a way back.

One step means that the new files are written into a folder beside the earlier mixture, and the two folders exchange their names: who
is killed at any moment leaves the earlier mixture or the new one, whole.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mathcode_data.core.blocks import BLOCKS_NAME
from mathcode_data.core.lock import LOCK_NAME
from mathcode_data.core.storage import CANNOT, TEMPORARY_PREFIX, fsync_folder, remove_tree, swap
from mathcode_data.mixture.index_files import DTYPES, MIXTURE_NAME
from mathcode_data.mixture.packed import OFFSETS_NAME, PIECES_NAME

NAMES = frozenset({MIXTURE_NAME, BLOCKS_NAME, *DTYPES, OFFSETS_NAME, PIECES_NAME})
"""Files of a mixture."""
COMMIT_NAME = f"{TEMPORARY_PREFIX}commit-{MIXTURE_NAME}"
"""Stands while index files have no mixture.json: a build that is killed there is known as ours by it."""
OLD_PREFIX = f"{TEMPORARY_PREFIX}old-"
NOTHING_BESIDE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG)
"""Why no folder may be made beside another one."""


def stage_for(output: Path) -> Path:
    """The folder to write into: a new one beside an earlier mixture, or `output` itself.

    `output` itself where no mixture stands there, where files of others lie with it (they stay with that folder), where this process
    works in it, and where nothing can be made beside it.
    """
    folder = output.resolve()
    names = {path.name for path in folder.iterdir()}
    has_others = any(name not in NAMES and name != LOCK_NAME and not name.startswith(TEMPORARY_PREFIX) for name in names)
    if MIXTURE_NAME not in names or has_others or folder.is_mount() or Path.cwd().is_relative_to(folder):
        return output
    stage = folder.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{folder.name}")
    try:
        stage.mkdir()
    except OSError as error:
        if error.errno in NOTHING_BESIDE:
            return output
        raise
    shutil.copymode(folder, stage)
    return stage


def take_place(stage: Path, output: Path) -> None:
    """Give the whole mixture in `stage` the name of the earlier one, which is then in `stage`, or gone."""
    if _exchange(stage, output.resolve()):
        return
    with replacing(output) as set_aside:
        set_aside()
        for path in sorted(stage.iterdir(), key=lambda path: path.name == MIXTURE_NAME):  # it comes last
            path.rename(output / path.name)
    fsync_folder(output)


def _exchange(stage: Path, folder: Path) -> bool:
    if (folder / LOCK_NAME).exists():
        try:
            os.link(folder / LOCK_NAME, stage / LOCK_NAME)  # one file under both names: who holds the one holds the other
        except OSError as error:
            if error.errno in CANNOT:
                return False
            raise
    fsync_folder(stage)
    if not swap(stage, folder):
        (stage / LOCK_NAME).unlink(missing_ok=True)
        return False
    fsync_folder(folder.parent)
    return True


@contextmanager
def replacing(output: Path) -> Iterator[Callable[[], None]]:
    """Gives a function that sets the files of an earlier mixture aside; they come back if the block fails after it."""
    moved: list[str] = []
    has_begun = False

    def set_aside() -> None:
        nonlocal has_begun
        has_begun = True
        (output / COMMIT_NAME).touch()
        for name in (MIXTURE_NAME, *sorted(NAMES - {MIXTURE_NAME})):  # the other files would not be those of mixture.json
            if (output / name).exists():
                (output / name).rename(output / f"{OLD_PREFIX}{name}")
                moved.append(name)

    try:
        yield set_aside
    except BaseException:
        if has_begun:
            for name in NAMES - set(moved):
                (output / name).unlink(missing_ok=True)
            for name in reversed(moved):
                (output / f"{OLD_PREFIX}{name}").replace(output / name)
            (output / COMMIT_NAME).unlink(missing_ok=True)
        raise


def remove_left(output: Path) -> None:
    """Take away what killed builds left in the folder, once a whole mixture stands there, and beside it."""
    for left in (*output.glob(f"{OLD_PREFIX}*"), output / COMMIT_NAME):
        left.unlink(missing_ok=True)
    remove_stages(output)


def remove_stages(output: Path) -> None:
    """Take away folders beside this one that builds of it wrote into, known by their names and by what is in them."""
    folder = output.resolve()
    pattern = re.compile(re.escape(TEMPORARY_PREFIX) + r"[0-9]+-" + re.escape(folder.name))
    for stage in folder.parent.iterdir():
        if pattern.fullmatch(stage.name) and stage.is_dir() and not stage.is_symlink() and all(map(_is_ours, stage.iterdir())):
            remove_tree(stage)


def _is_ours(path: Path) -> bool:
    return path.name in NAMES or path.name == LOCK_NAME or path.name.startswith(TEMPORARY_PREFIX)
