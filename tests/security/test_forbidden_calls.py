"""Nothing of the package can run bytes that it reads: no pickle in any dress, no shell, no archive that unpacks itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

MODULES = {"pickle", "cloudpickle", "dill", "shelve", "marshal", "joblib", "jsonpickle", "pty", "commands", "xmlrpc", "imp"}
CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.spawnl", "torch.load",
    "yaml.load", "yaml.unsafe_load", "yaml.full_load",
    "yaml.load_all", "subprocess.getoutput", "subprocess.getstatusoutput", "tempfile.mktemp", "torch.hub.load",
    "pd.read_pickle", "np.lib.format.read_array",
}  # fmt: skip
METHODS = {"extractall", "extract", "unpack_archive", "read_pickle"}
"""`tarfile` and `zipfile` members are read by `read`, in memory; what is written gets a name of ours."""
ALLOWED = {
    ("study/sandbox_child.py", "compile"), ("study/sandbox_child.py", "exec"),  # in the sandbox: that is what it is for
    ("study/sandbox_child.py", "__import__"), ("study/answering.py", "compile"),  # the second asks for the syntax alone
}  # fmt: skip
OWN_METHODS = {"extract"}
"""Names that a class of ours may have; a module of archives is told by its import."""


def violations(tree: ast.AST, name: str) -> list[str]:
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
    }
    imports_archives = bool(imported & {"tarfile", "zipfile"})
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {getattr(node, "module", None) or ""} if isinstance(node, ast.ImportFrom) else {alias.name for alias in node.names}
            found += [f"imports {one}" for one in names if one.split(".")[0] in MODULES]
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in CALLS and (name, called) not in ALLOWED:
            found.append(f"{node.lineno}: calls {called}")
        if isinstance(node.func, ast.Attribute) and node.func.attr in METHODS - (set() if imports_archives else OWN_METHODS):
            found.append(f"{node.lineno}: calls {called}")
        for keyword in node.keywords:
            is_true = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
            if keyword.arg in ("shell", "allow_pickle", "trust_remote_code") and not (
                isinstance(keyword.value, ast.Constant) and not is_true
            ):
                found.append(f"{node.lineno}: {called}({keyword.arg}=...)")
            if keyword.arg == "weights_only" and not is_true:
                found.append(f"{node.lineno}: {called}(weights_only=...)")
    return found


def test_the_package_calls_nothing_that_runs_what_it_reads(repository: Path):
    package = repository / "mathcode_data"
    files = sorted(package.rglob("*.py"))
    assert len(files) > 300
    found = {
        path.relative_to(package).as_posix(): violations(ast.parse(path.read_bytes()), path.relative_to(package).as_posix())
        for path in files
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from pickle import loads", "import shelve as s", "eval(x)", "exec(code)", "yaml.load(f)", "torch.load(path)",
        "torch.load(path, weights_only=False)", "np.load(path, allow_pickle=True)", "np.load(path, allow_pickle=flag)",
        "subprocess.run(c, shell=True)", "import tarfile\ntarfile.open(p).extractall(d)", "import zipfile\nz.extract(m)", "os.system(c)",
        "AutoModel.from_pretrained(p, trust_remote_code=True)",
    ],
)  # fmt: skip
def test_the_search_finds_each_of_them(line: str):
    assert violations(ast.parse(line), "x.py")


def test_arrays_of_objects_are_refused_where_arrays_are_read(tmp_path: Path):
    """numpy's own default; a change of it would show here."""
    import numpy as np

    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        np.load(tmp_path / "a.npy")
