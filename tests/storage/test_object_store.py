"""What is asked of an object store: whole objects, the first committer wins, names that stay inside, and words where it fails."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mathcode_data.core import object_store
from mathcode_data.core.errors import ConfigError, DataError, ResourceError
from mathcode_data.core.object_store import STORE, bring, is_store_url, mirror_of, mirror_root, named, push_folder, url_of


def test_a_url_and_its_mirror_stand_for_each_other(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("MATHCODE_DATA_CACHE", str(tmp_path))
    path = mirror_of("s3://bucket/a/b")
    assert path == tmp_path / "s3" / "bucket" / "a" / "b"
    assert mirror_of(Path("s3://bucket/a/b")) == path
    assert url_of(path) == "s3://bucket/a/b"
    assert url_of(tmp_path / "x") is None
    assert url_of(Path("bucket")) is None
    assert named(f"error: {path}/x: gone") == "error: s3://bucket/a/b/x: gone"
    assert not is_store_url("s3/bucket")


@pytest.mark.parametrize(
    "url", ["s3://", "s3:///x", "s3://bucket/../other", "s3://bucket/./x", "s3://bucket//x", "s3://bucket/a\\b", "s3://k:s@bucket/x"]
)
def test_a_url_that_leaves_its_bucket_is_refused(url: str):
    with pytest.raises(ConfigError):
        mirror_of(url)


def test_objects_are_written_read_listed_and_removed(bucket: str):
    place = mirror_of(f"s3://{bucket}/a")
    assert STORE.read(place / "x") is None
    STORE.put(place / "x", b"one")
    STORE.put(place / "b" / "y", b"two!")
    assert STORE.read(place / "x") == b"one"
    assert STORE.sizes(place) == {place / "x": 3, place / "b" / "y": 4}
    STORE.remove([place / "x", place / "nothing"])
    assert STORE.sizes(place) == {place / "b" / "y": 4}


def test_of_many_who_put_a_record_at_once_one_wins(bucket: str):
    place = mirror_of(f"s3://{bucket}/done/00000.json")
    won: list[int] = []
    threads = [threading.Thread(target=lambda n=n: STORE.put_once(place, str(n).encode()) and won.append(n)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert STORE.read(place) == str(won[0]).encode()
    assert not STORE.put_once(place, b"late")


class Watched(object_store.ObjectStore):
    """Writes down what changes on the store, in its order."""

    order: list[str] = []

    def put(self, path, content):
        self.order.append(f"put {path.name}")
        super().put(path, content)

    def put_files(self, paths):
        paths = list(paths)
        self.order.extend(f"put {path.name}" for path in paths)
        super().put_files(paths)

    def remove(self, paths):
        paths = list(paths)
        self.order.extend(f"remove {path.name}" for path in paths)
        super().remove(paths)


def test_a_folder_is_complete_only_with_its_record_and_an_older_one_never_names_other_files(bucket: str, monkeypatch):
    folder = mirror_of(f"s3://{bucket}/out/r")
    folder.mkdir(parents=True)
    monkeypatch.setattr(object_store, "STORE", Watched())
    for name in ("old", "newer"):
        (folder / name).write_text(name)
        (folder / "manifest.json").write_text(f'"{name}"')
        push_folder(folder, [name], "manifest.json")
        push_folder(folder, [name], "manifest.json")  # it is there: nothing is sent
    assert Watched.order == [
        "remove manifest.json", "put old", "put manifest.json",
        "remove manifest.json", "put newer", "remove old", "put manifest.json",
    ]  # fmt: skip
    assert set(STORE.sizes(folder)) == {folder / "newer", folder / "manifest.json"}


def test_a_mirror_is_made_again_and_follows_what_changed(bucket: str, tmp_path: Path):
    folder = mirror_of(f"s3://{bucket}/out/r")
    STORE.put(folder / "a", b"1234")
    STORE.put(folder / "manifest.json", b'{"v": 1}')
    assert bring(Path(f"s3://{bucket}/out/r")) == folder
    assert (folder / "a").read_bytes() == b"1234"
    STORE.put(folder / "a", b"5678")  # the same size: only the record tells
    STORE.put(folder / "manifest.json", b'{"v": 2}')
    bring(folder)
    assert (folder / "a").read_bytes() == b"5678"
    assert bring(tmp_path) == tmp_path
    with pytest.raises(DataError, match=rf"s3://{bucket}/nothing: nothing is there"):
        bring(Path(f"s3://{bucket}/nothing"))


def test_names_on_the_store_that_leave_the_mirror_are_refused(bucket: str, tmp_path: Path):
    import urllib.request

    system = STORE._system("s3://x")
    system.call_s3("put_object", Bucket=bucket, Key="out/../../../../escaped", Body=b"x")
    with pytest.raises(DataError, match="leaves its folder"):
        bring(Path(f"s3://{bucket}/out"))
    assert not list(tmp_path.rglob("escaped"))
    assert urllib.request


def test_a_store_that_does_not_answer_is_an_error_with_advice(bucket: str, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    store = object_store.ObjectStore()
    with pytest.raises((ResourceError, DataError), match="AWS_ENDPOINT_URL|nothing is there"):
        store.put(mirror_of(f"s3://{bucket}/x"), b"x")


def test_without_s3fs_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(ConfigError, match=r"needs s3fs: pip install 'mathcode-data\[s3\]'"):
        object_store.ObjectStore().read(mirror_root() / "bucket" / "x")


def test_other_outputs_than_of_pipelines_and_mixtures_are_refused(tmp_path: Path):
    from mathcode_data.recall.config import load_recall
    from mathcode_data.trainer.config import load_train_config

    (tmp_path / "r.yaml").write_text("name: r\noutput: s3://bucket/x\nstages: []\nrecall: {}\n")
    with pytest.raises(ConfigError, match="a folder of this machine"):
        load_recall(tmp_path / "r.yaml")
    (tmp_path / "t.yaml").write_text("mixture: m\noutput: s3://bucket/x\n")
    with pytest.raises(ConfigError, match="a folder of this machine"):
        load_train_config(tmp_path / "t.yaml")


def test_a_bucket_that_is_not_there_is_called_so(bucket: str):
    with pytest.raises(ConfigError, match=rf"there is no bucket s3://{bucket}-gone; make it, or check its name"):
        STORE.put(mirror_of(f"s3://{bucket}-gone/out/x"), b"x")
