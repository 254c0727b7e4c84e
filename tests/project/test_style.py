"""What style asks of every file and can be read off the syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "mathcode_data"
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 80
TABLES = "quickstart/subjects"
"""Sentences and worked examples of the invented web site: content, of which each file holds one subject."""


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE), ast.parse(path.read_text(encoding="utf-8"))


def test_every_module_says_what_it_is():
    assert [str(path) for path, tree in trees() if not ast.get_docstring(tree)] == []


def test_files_and_functions_stay_readable():
    long = [
        f"{path}: {tree.body[-1].end_lineno} lines"
        for path, tree in trees()
        if (tree.body[-1].end_lineno or 0) > MAX_FILE_LINES and TABLES not in str(path)
    ]
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > MAX_FUNCTION_LINES:
                    long.append(f"{path}:{node.lineno}: {node.name} has {size} lines")
    assert long == []


def test_every_error_and_every_assertion_has_a_message():
    silent = []
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assert) and node.msg is None:
                silent.append(f"{path}:{node.lineno}: assert without a message")
            if (
                isinstance(node, ast.Raise)
                and isinstance(node.exc, ast.Name)
                and node.exc.id[0].isupper()
                and node.exc.id != "StopIteration"
            ):
                silent.append(f"{path}:{node.lineno}: raise {node.exc.id} without a message")
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and not node.exc.args and not node.exc.keywords:
                silent.append(f"{path}:{node.lineno}: raise without a message")
    assert silent == []


def test_no_exception_is_swallowed():
    swallowed = []
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and (node.type is None or (len(node.body) == 1 and isinstance(node.body[0], ast.Pass))):
                swallowed.append(f"{path}:{node.lineno}")
    assert swallowed == []


def test_only_the_command_line_prints():
    printing = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print" and path.parts[0] != "cli"
    ]
    assert printing == []


def test_nothing_is_pickled():
    names = {"pickle", "cloudpickle", "dill", "shelve", "marshal", "joblib"}
    found = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] in names for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in names)
    ]
    assert found == []
