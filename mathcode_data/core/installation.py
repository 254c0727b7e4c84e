"""How this package was installed, and so how an extra is added to it: a clone, a folder, a wheel, a repository's address."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

import orjson

DISTRIBUTION = "mathcode-data"
EXTRAS = {
    "ray": "ray", "torch": "train", "triton": "train", "datatrove": "datatrove", "aiohttp": "web", "protego": "web", "ada_url": "web",
}  # fmt: skip
"""Packages that an extra of ours brings."""


def install_hint(package: str | None) -> str:
    """Say how to install a package: by the extra that brings it, from where this package came from."""
    extra = EXTRAS.get((package or "").split(".")[0])
    return install_command(extra, _direct_url(), Path.cwd()) if extra else f"pip install {package}"


def install_command(extra: str, origin: str | None, current: Path) -> str:
    """The command for an extra.

    Args:
        extra: its name.
        origin: text of the distribution's direct_url.json (PEP 610), which pip writes for all but an index; None for an index.
        current: the folder the user stands in.

    >>> install_command("train", '{"url": "file:///src/mathcode", "dir_info": {"editable": true}}', Path("/src/mathcode"))
    "pip install -e '.[train]'"
    >>> install_command("ray", '{"url": "file:///tmp/mathcode_data-0.1.0-py3-none-any.whl", "archive_info": {}}', Path("/"))
    "pip install '/tmp/mathcode_data-0.1.0-py3-none-any.whl[ray]'"
    """
    try:
        found = orjson.loads(origin) if origin else {}
    except orjson.JSONDecodeError:
        found = {}
    url = str(found.get("url", "")) if isinstance(found, dict) else ""
    if url.startswith("file:"):
        path = Path(unquote(urlsplit(url).path))
        place = "." if path == current else str(path)
        is_editable = bool((found.get("dir_info") or {}).get("editable"))
        return f"pip install {'-e ' if is_editable else ''}'{place}[{extra}]'"
    vcs = (found.get("vcs_info") or {}).get("vcs") if isinstance(found, dict) else None
    if url:
        return f"pip install '{DISTRIBUTION}[{extra}] @ {f'{vcs}+' if vcs else ''}{url}'"
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def _direct_url() -> str | None:
    try:
        return metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
