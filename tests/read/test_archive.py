"""read.code on archives: what is inside is read, what is hostile is counted and never followed."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.stages.read import archive as archives
from mathcode_data.stages.read.archive import ArchiveLimits, archive_stem, members
from support.stages import run_source

CODE = b"def add(left, right):\n    return left + right\n"
MIT = b"Permission is hereby granted, free of charge, to any person ... without restriction, including ..."


def make_tar(path: Path, files: dict[str, bytes], mode: str = "w:gz", **kinds: bytes) -> Path:
    with tarfile.open(path, mode) as file:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.type = kinds.get(name, tarfile.REGTYPE)
            entry.linkname = "../../etc/passwd" if entry.type in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            file.addfile(entry, io.BytesIO(content))
    return path


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return path


def read(folder, **values):
    return run_source("read.code", folder, **values)


@pytest.mark.parametrize(
    "name", ["x-1.0.tar", "x-1.0.tar.gz", "x-1.0.tgz", "x-1.0.tar.bz2", "x-1.0.tar.xz", "x-1.0.zip", "x-1.0-py3-none-any.whl"]
)
def test_an_archive_is_read_as_the_folder_that_it_would_unpack_to(name, tmp_path):
    files = {"x-1.0/LICENSE": MIT, "x-1.0/pkg/a.py": CODE, "x-1.0/pkg/b.rs": b"fn main() {}\n", "x-1.0/logo.png": b"\x89PNG"}
    mode = {"tar": "w", "bz2": "w:bz2", ".xz": "w:xz"}.get(name[-3:], "w:gz")
    path = tmp_path / name
    make_zip(path, files) if name.endswith(("zip", "whl")) else make_tar(path, files, mode)
    table, ledger = read(tmp_path, paths=name)
    assert [(row["repository"], row["path"], row["license"]) for row in table.to_pylist()] == [
        ("x-1.0", "pkg/a.py", "MIT"),
        ("x-1.0", "pkg/b.rs", "MIT"),
    ]
    assert (ledger.counters.read, ledger.damage) == (2, [])


def test_a_wheel_stands_under_the_licence_of_its_metadata(tmp_path):
    metadata = b"Metadata-Version: 2.4\nName: x\nVersion: 1\nLicense-Expression: BSD-3-Clause\n\nText\n"
    make_zip(
        tmp_path / "x-1-py3-none-any.whl", {"x/a.py": CODE, "x-1.dist-info/METADATA": metadata, "x-1.dist-info/licenses/y/COPYING": MIT}
    )
    old = metadata.replace(
        b"License-Expression: BSD-3-Clause", b"Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)"
    )
    make_zip(tmp_path / "y-1-py3-none-any.whl", {"y/a.py": CODE, "y-1.dist-info/METADATA": old})
    table, ledger = read(tmp_path, paths="*.whl")
    assert [(row["repository"], row["license"]) for row in table.to_pylist()] == [("x-1", "BSD-3-Clause")]
    assert dict(ledger.counters.dropped) == {"license_copyleft": 1}


def test_a_folder_of_archives_is_read_at_depth_one_and_nested_archives_are_not_opened(tmp_path):
    inner = make_zip(tmp_path / "inner.zip", {"a.py": CODE}).read_bytes()
    (tmp_path / "in").mkdir()
    make_tar(tmp_path / "in/one.tar.gz", {"LICENSE": MIT, "a.py": CODE, "inner.zip": inner})
    make_zip(tmp_path / "in/two.zip", {"LICENSE": MIT, "b.py": CODE})
    table, _ = read(tmp_path, paths="in", repository_depth=1)
    assert [(row["repository"], row["path"]) for row in table.to_pylist()] == [("one", "a.py"), ("two", "b.py")]
    with pytest.raises(ConfigError, match="repository_depth: 1"):
        read(tmp_path, paths="in")


def test_names_that_leave_the_folder_are_refused_and_links_and_devices_are_not_followed(tmp_path):
    files = {
        "../evil.py": CODE,
        "/etc/evil.py": CODE,
        "a/../../b.py": CODE,
        "l.py": b"",
        "h.py": b"",
        "dev": b"",
        "ok.py": CODE,
        "c\x01.py": CODE,
    }
    kinds = {"l.py": tarfile.SYMTYPE, "h.py": tarfile.LNKTYPE, "dev": tarfile.CHRTYPE}
    make_tar(tmp_path / "t.tar.gz", files, **kinds)
    table, ledger = read(tmp_path, paths="t.tar.gz", licenses="any")
    assert table["path"].to_pylist() == ["ok.py"]
    assert dict(ledger.counters.dropped) == {"unsafe_path": 4, "link": 2, "special_file": 1}


def test_links_encrypted_and_doubled_members_of_a_zip_are_counted(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as file:
        link = zipfile.ZipInfo("link.py")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/etc/passwd")
        file.writestr("C:\\x.py", CODE)
        file.writestr("ok.py", CODE)
        file.writestr("locked.py", CODE)
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("ok.py", CODE + b"# other\n")
    content = bytearray((tmp_path / "z.zip").read_bytes())
    at = content.rfind(b"PK\x01\x02", 0, content.rfind(b"locked.py"))
    content[at + 8] |= 1
    (tmp_path / "z.zip").write_bytes(content)
    table, ledger = read(tmp_path, paths="z.zip", licenses="any")
    assert table["text"].to_pylist() == [CODE.decode()]
    assert dict(ledger.counters.dropped) == {"link": 1, "unsafe_path": 1, "encrypted": 1, "duplicate_member": 1}
    assert len(ledger.damage) == 1
    assert ledger.damage[0].startswith(f"z.zip: byte {content.find(b'locked.py') - 30:,}: 'locked.py' is encrypted; unpack it")


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_bomb_is_refused_as_a_whole_and_reported(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "FLOOR_BYTES", 1 << 20)
    files = {"LICENSE": MIT, "a.py": CODE, "zeros.bin": bytes(20 << 20)}
    make_tar(tmp_path / "b.tar.gz", files) if kind == "tar" else make_zip(tmp_path / "b.zip", files)
    make_zip(tmp_path / "good.zip", {"LICENSE": MIT, "a.py": CODE})
    table, ledger = read(tmp_path, paths="*.*")
    assert table["repository"].to_pylist() == ["good"], "nothing of the bomb, all of its neighbour"
    assert dict(ledger.counters.dropped) == {"archive_refused": 1}
    assert len(ledger.damage) == 1
    assert "holds more than" in ledger.damage[0]
    assert str(tmp_path) not in ledger.damage[0]


def test_too_many_members_and_a_header_that_asks_for_too_much_are_refused(tmp_path):
    path = make_zip(tmp_path / "many.zip", {f"{number}.py": b"" for number in range(20)})
    with pytest.raises(DataError, match="20 files inside, at most 10"):
        list(members(path, ArchiveLimits(max_members=10)))
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 7 << 30
    (tmp_path / "long.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(DataError, match="holds more than"):
        list(members(tmp_path / "long.tar", ArchiveLimits()))


def test_a_member_that_is_too_large_is_dropped_and_read_only_so_far(tmp_path):
    make_tar(tmp_path / "t.tar.gz", {"LICENSE": MIT, "big.py": b"x = 1\n" * 400_000, "a.py": CODE})
    table, ledger = read(tmp_path, paths="t.tar.gz")
    assert table["path"].to_pylist() == ["a.py"]
    assert dict(ledger.counters.dropped) == {"too_large": 1}


def test_a_torn_archive_is_read_up_to_the_tear_and_reported(tmp_path):
    plain = tmp_path / "t.tar"
    make_tar(
        plain, {"LICENSE": MIT, "a.py": CODE, **{f"{number}.py": CODE + bytes(str(number), "ascii") * 500 for number in range(9)}}, "w"
    )
    (tmp_path / "cut.tar.gz").write_bytes(gzip.compress(plain.read_bytes(), mtime=0)[:-120])
    (tmp_path / "none.zip").write_bytes(b"no archive at all" * 99)
    table, ledger = read(tmp_path, paths=["cut.tar.gz", "none.zip"])
    assert table["path"].to_pylist()[0] == "a.py"
    assert ledger.counters.dropped["archive_damaged"] == 2
    assert len(ledger.damage) == 2


def test_a_damaged_member_is_reported_with_its_place_and_the_others_are_kept(tmp_path):
    files = {"LICENSE": MIT, "a.py": CODE, "b.py": CODE * 2, "lib/COPYING": MIT, "lib/c.py": CODE}
    path = make_zip(tmp_path / "z.zip", files)
    content = bytearray(path.read_bytes())
    for name in (b"b.py", b"lib/COPYING"):
        at = content.find(name) + len(name)
        content[at + 4] ^= 0xFF
        content[at + 5] ^= 0xFF
    path.write_bytes(content)
    table, ledger = read(tmp_path, paths="z.zip")
    assert table["path"].to_pylist() == ["a.py"]
    assert dict(ledger.counters.dropped) == {"damaged_member": 1, "license_unknown": 1}
    place = content.find(b"lib/COPYING") - 30
    assert len(ledger.damage) == 1
    assert ledger.damage[0].startswith(f"z.zip: byte {place:,}: 'lib/COPYING': ")
    assert "2 members are lost" in ledger.damage[0]


@given(
    content=st.binary(max_size=300),
    suffix=st.sampled_from([".zip", ".tar", ".tar.gz", ".tar.zst"]),
    head=st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b\x08\0"]),
)
def test_whatever_the_bytes_it_is_members_or_one_error(content, suffix, head, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / f"hostile{suffix}"
    path.write_bytes(head + content)
    try:
        list(members(path, ArchiveLimits()))
    except DataError as error:
        assert path.name in str(error)


def test_a_wheel_is_called_by_distribution_and_version():
    assert archive_stem("a/b-1.0-cp311-cp311-manylinux_2_17_x86_64.whl") == "b-1.0"
    assert archive_stem("jq_1.6.orig.tar.gz") == "jq_1.6.orig"
