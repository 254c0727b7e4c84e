"""Results on an object store (`s3://bucket/prefix`): a mirror on this machine that stages read and write, and what goes up and down.

`s3://bucket/a/b` has its mirror in CACHE/s3/bucket/a/b, so that what lies beside each other in the bucket lies beside each other in
the mirror too, and relative paths mean the same in both. The mirror is a cache: all that counts is in the bucket, and the mirror may
be removed at any time, or be another one on another machine. An object store has no rename and no link; instead:

- a result is complete when its `manifest.json` is there; that object is put last, and removed first when a result is replaced;
- a done record is put with `If-None-Match: *`: the first committer wins, whoever the others are.

Reached through fsspec and s3fs (`pip install 'mathcode-data[s3]'`); keys, endpoint and region come from where AWS's own tools take them
(environment, ~/.aws), so MinIO and others need `AWS_ENDPOINT_URL` alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar, cast

import orjson

from mathcode_data.core.errors import ConfigError, DataError, MathcodeError, ResourceError
from mathcode_data.core.secrets import refuse_secrets, without_secrets
from mathcode_data.core.storage import TEMPORARY_PREFIX

PROTOCOL = "s3"
CACHE_VARIABLE = "MATHCODE_DATA_CACHE"
RECORDS = ("manifest.json", "mixture.json", "checkpoint.json", "pipeline.json")
"""Files that say what the others beside them are; put last, brought first."""
T = TypeVar("T")


def mirror_root() -> Path:
    """Folder of all mirrors of this machine."""
    given = os.environ.get(CACHE_VARIABLE)
    base = Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mathcode-data"
    return base.absolute() / PROTOCOL


def is_store_url(text: str | Path) -> bool:
    """Whether a text names a place on an object store; also one that became a path on its way (`s3:/bucket`).

    >>> is_store_url("s3://bucket/x"), is_store_url(Path("s3://bucket/x")), is_store_url("data/s3"), is_store_url("https://a.example")
    (True, True, False, False)
    """
    return str(text).startswith(f"{PROTOCOL}:/")


def mirror_of(url: str | Path) -> Path:
    """The folder on this machine that stands for a URL.

    Raises:
        ConfigError: no bucket, or a part of the URL is no plain name.
    """
    refuse_secrets(str(url), "output")
    parts = str(url).removeprefix(f"{PROTOCOL}:").strip("/").split("/")
    if str(url).startswith(f"{PROTOCOL}:///") or _leaves(parts):
        raise ConfigError(f"{url}: write s3://bucket/prefix, without empty parts or dots")
    return mirror_root().joinpath(*parts)


def local_place(path: Path) -> Path:
    """The mirror where a path is a URL, else the path."""
    return mirror_of(path) if is_store_url(path) else path


def url_of(path: Path) -> str | None:
    """The URL that a path of a mirror stands for; None for any other path."""
    root = mirror_root()
    return f"{PROTOCOL}://{path.relative_to(root).as_posix()}" if path.is_absolute() and root in path.parents else None


def named(text: str) -> str:
    """A message in which mirrors are called by their URLs."""
    return text.replace(f"{mirror_root()}/", f"{PROTOCOL}://")


class Entry(NamedTuple):
    """What a listing says of an object."""

    bytes: int
    changed: float
    """By the store's clock, in seconds since 1970."""


@dataclass
class ObjectStore:
    """One process's connection; paths are those of the mirror."""

    _opened: list[Any] = field(default_factory=list, repr=False)

    def read(self, path: Path) -> bytes | None:
        """An object's bytes; None where there is none."""
        return self._ask(path, "read", lambda system, key: _none_if_absent(lambda: bytes(system.cat_file(key))))

    def put(self, path: Path, content: bytes) -> None:
        """Write an object; it appears whole or not at all."""
        self._ask(path, "written", lambda system, key: system.pipe_file(key, content))

    def put_once(self, path: Path, content: bytes) -> bool:
        """Write an object if there is none of that name (`If-None-Match: *`). Returns whether we were first."""

        def write(system: Any, key: str) -> bool:
            try:
                system.pipe_file(key, content, mode="create")
            except FileExistsError:
                return False
            return True

        return self._ask(path, "written", write)

    def put_files(self, paths: Iterable[Path]) -> None:
        """Send files of the mirror up, in their order."""
        for path in paths:
            self._ask(path, "written", lambda system, key, path=path: system.put_file(str(path), key))  # type: ignore[misc]

    def fetch(self, path: Path) -> None:
        """Bring one object down to its place in the mirror.

        Raises:
            DataError: there is none.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{path.name}")
        try:
            self._ask(path, "read", lambda system, key: system.get_file(key, str(temporary)))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def open(self, path: Path) -> IO[bytes]:
        """An object as a file, of which only what is read comes down.

        Raises:
            DataError: there is none.
        """
        return self._ask(path, "read", lambda system, key: cast("IO[bytes]", system.open(key, "rb")))

    def sizes(self, folder: Path) -> dict[Path, int]:
        """Bytes of every object below a folder, by its path in the mirror."""
        return {path: entry.bytes for path, entry in self.entries(folder).items()}

    def entries(self, folder: Path) -> dict[Path, Entry]:
        """Every object below a folder, by its path in the mirror."""

        def look(system: Any, key: str) -> dict[Path, Entry]:
            system.invalidate_cache()
            found = system.find(key, detail=True)
            for name in found:
                if _leaves(name.split("/")):
                    raise DataError(f"{PROTOCOL}://{name[:200]!r}: a name that leaves its folder; nothing of ours bears it, remove it")
            root = mirror_root()
            return {
                root / name: Entry(int(entry["size"]), entry["LastModified"].timestamp())
                for name, entry in found.items()
                if entry["type"] == "file" and name != key
            }

        return self._ask(folder, "listed", look)

    def remove(self, paths: Iterable[Path]) -> None:
        """Remove objects; those that are gone already are no matter."""
        for path in paths:
            self._ask(path, "removed", lambda system, key: _none_if_absent(lambda: system.rm_file(key)))

    def _ask(self, path: Path, verb: str, question: Callable[[Any, str], T]) -> T:
        url = url_of(path)
        assert url is not None, f"{path}: lies in no mirror"
        try:
            return question(self._system(url), url.removeprefix(f"{PROTOCOL}://"))
        except MathcodeError:
            raise
        except FileNotFoundError as error:
            if _lacks_bucket(error):
                bucket = "/".join(url.split("/")[:3])
                raise ConfigError(f"{url}: there is no bucket {bucket}; make it, or check its name and AWS_ENDPOINT_URL") from error
            raise DataError(f"{url}: not there; check the address, or run the pipeline that makes it") from error
        except Exception as error:
            why = without_secrets(" ".join(str(error).split()))[:200]
            raise ResourceError(
                f"{url}: cannot be {verb} ({type(error).__name__}: {why}); check the network, AWS_ENDPOINT_URL and the keys, then run "
                "again: what is committed is kept"
            ) from error

    def _system(self, url: str) -> Any:
        """The file system, made anew in each process: its threads do not survive a fork."""
        if not self._opened or self._opened[0] != os.getpid():
            try:
                import fsspec

                system = fsspec.filesystem(PROTOCOL, use_listings_cache=False, skip_instance_cache=True)
            except ImportError as error:
                raise ConfigError(f"{url}: an object store needs s3fs: pip install 'mathcode-data[s3]'") from error
            self._opened[:] = [os.getpid(), system]
        return self._opened[1]


STORE = ObjectStore()
"""The connection of this process."""


def bring(path: Path) -> Path:
    """Make the mirror of a folder what the object store holds, where the path is one; any other path is left alone.

    Files come down whose size differs, or whose record (`manifest.json`, `mixture.json` ...) is another one. A prefix of token shards
    brings the pair and what describes it, a mixture its shards; unfinished work of a pipeline stays where it is.

    Returns:
        The local path.

    Raises:
        DataError: nothing is there.
    """
    path = local_place(path)
    if url_of(path) is None:
        return path
    sizes = {name: size for name, size in STORE.sizes(path).items() if ".work" not in name.relative_to(path).parts[:1]}
    if not sizes and url_of(path.parent) is not None:
        beside = {name: size for name, size in STORE.sizes(path.parent).items() if name.parent == path.parent}
        if any(name.name.removesuffix(name.suffix) == path.name or name == path for name in beside):
            sizes = {name: size for name, size in beside.items() if name.name.startswith(path.stem) or name.name in RECORDS}
    if not sizes:
        raise DataError(f"{url_of(path)}: nothing is there; check the address, or run what makes it")
    changed = {record.parent for record in sizes if record.name in RECORDS and _differs(record)}
    for name, size in sorted(sizes.items(), key=lambda item: item[0].name in RECORDS):
        if name.parent in changed or not name.exists() or name.stat().st_size != size:
            STORE.fetch(name)
    for folder in _folders_of_shards(path / "mixture.json"):
        bring(folder)
    return path


def bring_if_there(path: Path) -> Path:
    """`bring`, where something is there."""
    if url_of(local_place(path)) is not None and STORE.sizes(local_place(path)):
        bring(path)
    return local_place(path)


def push_folder(folder: Path, names: Iterable[str], record: str) -> None:
    """Put the files of a finished folder, its record last; an earlier record goes first, so that it never names other files.

    Args:
        folder: in a mirror.
        names: files in it, without the record.
        record: the file that makes the folder complete.
    """
    last = folder / record
    content = last.read_bytes()
    if STORE.read(last) == content:
        return
    there = STORE.sizes(folder)
    STORE.remove([last])
    wanted = [folder / name for name in names]
    STORE.put_files(wanted)
    STORE.remove(sorted(set(there) - {*wanted, last}))
    STORE.put(last, content)


def _folders_of_shards(record: Path) -> list[Path]:
    """Folders of the shards of a mixture that lie on the store too."""
    try:
        data = orjson.loads(record.read_bytes())
        prefixes = [record.parent / str(shard["path"]) for source in data["sources"] for shard in source["shards"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # no mixture, or one that whoever reads it refuses
    folders = dict.fromkeys(Path(os.path.normpath(prefix)).parent for prefix in prefixes)
    return [folder for folder in folders if url_of(folder) is not None]


def _leaves(parts: list[str]) -> bool:
    return any(part in ("", ".", "..") or "\0" in part or "\\" in part for part in parts)


def _differs(record: Path) -> bool:
    return not record.exists() or STORE.read(record) != record.read_bytes()


def _lacks_bucket(error: BaseException | None) -> bool:
    """Whether the store's answer behind an error is that it has no such bucket; s3fs keeps the answer as the cause."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict) and response.get("Error", {}).get("Code") == "NoSuchBucket":
            return True
        error = error.__cause__ or error.__context__
    return False


def _none_if_absent(act: Callable[[], T]) -> T | None:
    try:
        return act()
    except FileNotFoundError:
        return None
