"""Names of files inside archives and git trees: which are safe to use as the path of a document.

Nothing is ever unpacked to the disk; but a path travels on in the documents, and whoever writes them out must not be led astray.
"""

from __future__ import annotations

import re

MAX_NAME = 4096
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"[A-Za-z]:")


def safe_name(name: str) -> str | None:
    """The name as a relative path with `/`, None if it leaves its folder, is absolute, or holds control characters.

    >>> [safe_name(name) for name in ("./a/b.py", "../b.py", "/etc/passwd", "a/../../b", "C:\\\\x.c", "a\\\\b.c")]
    ['a/b.py', None, None, None, None, 'a/b.c']
    """
    name = name.replace("\\", "/")
    if not name or len(name) > MAX_NAME or name.startswith("/") or _DRIVE.match(name) or _CONTROL.search(name):
        return None
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return None if ".." in parts or not parts else "/".join(parts)


def is_text_name(name: str) -> bool:
    """Whether a name is Unicode text: bytes that are none come as surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def is_hidden(name: str) -> bool:
    """Whether a part of a path begins with a dot, as version control and unfinished downloads do."""
    return any(part.startswith(".") for part in name.split("/"))


def common_folder(names: list[str]) -> str:
    """The one folder on top in which all files lie, with its `/`; "" if there is none.

    >>> common_folder(["x-1.0/a.py", "x-1.0/b/c.py"]), common_folder(["a.py", "b/c.py"])
    ('x-1.0/', '')
    """
    tops = {name.partition("/")[0] if "/" in name else "" for name in names}
    return f"{tops.pop()}/" if len(tops) == 1 and "" not in tops else ""
