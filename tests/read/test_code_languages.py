"""The language of a file by its name and its content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.read.languages_content import SIGNS, language_by_content
from support.stages import run_source


@pytest.mark.parametrize(
    ("name", "text", "language"),
    [
        ("a.h", "#ifndef A_H\nint add(int, int);\n/* using the class of\n   virtual memory */\n", "C"),
        ("a.h", "#pragma once\n#include <vector>\nstd::vector<int> f();\n", "C++"),
        ("a.h", "namespace a {\nclass B : public C {\n};\n}\n", "C++"),
        ("a.h", "#import <Foundation/Foundation.h>\n@interface A : NSObject\n@end\n", "Objective-C"),
        ("a.m", "@implementation A\n- (void)run {}\n@end\n", "Objective-C"),
        ("a.m", "function y = f(x)\n% doubles\ny = 2 * [x x];\nend\n", "Matlab"),
        ("a.m", "(* ::Package:: *)\nf[x_] := x^2\n", "Mathematica"),
        ("a.pl", "#!/usr/bin/perl\nuse strict;\nmy $x = 1;\n", "Perl"),
        ("a.pl", ":- module(a, [b/1]).\nb(X) :- c(X).\n", "Prolog"),
        ("a.t", "use Test::More;\nok(1);\n", "Perl"),
        ("a.ts", "export const a: number = 1;\n", "TypeScript"),
        ("a.ts", '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n<TS version="2.1" language="de">\n', None),
        ("a.v", "module a(input b, output c);\nassign c = b;\nendmodule\n", "Verilog"),
        ("a.v", "Require Import Arith.\nTheorem a : 1 = 1.\nProof. reflexivity. Qed.\n", "Coq"),
        ("a.v", "fn main() {\n\tprintln('hi')\n}\n", None),
        ("a.cls", "\\NeedsTeXFormat{LaTeX2e}\n\\ProvidesClass{a}\n", "TeX"),
        ("a.fs", "module A\nlet add a b = a + b\n", "F#"),
        ("a.fs", "#version 330\nvoid main() { gl_FragColor = x; }\n", "GLSL"),
        ("a.rs", "fn main() {}\n", "Rust"),
        ("run", "#!/usr/bin/env python3\nimport os\n", "Python"),
        ("run", "#!/bin/bash\nset -e\n", "Shell"),
        ("run", "#!/bin/sh\n# the next line restarts with tclsh \\\nexec tclsh \"$0\"\n", "Tcl"),
        ("run", "# -*- mode: ruby -*-\nputs 1\n", "Ruby"),
        ("AUTHORS", "Jane Doe\n", None),
        ("run.jpeg", "#!/bin/sh\n", None),
    ],
)  # fmt: skip
def test_content_decides_where_names_are_shared(name, text, language):
    assert language_by_content(name, text) == language


@given(extension=st.sampled_from(sorted(SIGNS)), text=st.text(st.sampled_from("#@:-=(%`\\ \nabcuse[]<>{}_"), max_size=120))
def test_any_text_has_an_answer(extension, text):
    found = language_by_content(f"a.{extension}", text)
    assert found is None or found


def test_scripts_without_a_name_are_read_and_other_nameless_files_are_counted(tmp_path):
    for name, text in {"bin/run": "#!/usr/bin/env python3\nprint('hello world')\n", "AUTHORS": "Jane Doe\n", "data": "\0\1"}.items():
        path = tmp_path / "r" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    table, ledger = run_source("read.code", tmp_path, paths="r", licenses="any")
    assert [(row["path"], row["language"]) for row in table.to_pylist()] == [("bin/run", "Python")]
    assert dict(ledger.counters.dropped) == {"no_language": 1, "binary": 1}


def test_a_wanted_language_is_found_by_content_too(tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r/a.h").write_text("#include <string>\nstd::string name();\n")
    (tmp_path / "r/b.h").write_text("int add(int left, int right);\n")
    table, ledger = run_source("read.code", tmp_path, paths="r", languages=["C++"], licenses="any")
    assert table["path"].to_pylist() == ["a.h"]
    assert dict(ledger.counters.dropped) == {"other_language": 1}


def test_a_circle_of_links_ends(tmp_path):
    (tmp_path / "r/sub").mkdir(parents=True)
    (tmp_path / "r/a.py").write_text("x = 'some text'\n")
    (tmp_path / "r/sub/up").symlink_to("..", target_is_directory=True)
    (tmp_path / "r/self.py").symlink_to("self.py")
    (tmp_path / "r/out.py").symlink_to("/etc/passwd")
    table, ledger = run_source("read.code", tmp_path, paths="r", licenses="any")
    assert table["path"].to_pylist() == ["a.py"]
    assert ledger.counters.dropped["link_outside"] == 1


def test_a_link_is_counted_and_what_it_names_is_read_once_where_it_lies_but_a_linked_licence_holds(tmp_path):
    (tmp_path / "r/pkg").mkdir(parents=True)
    (tmp_path / "r/pkg/real.py").write_text("x = 'some text'\n")
    (tmp_path / "r/before.py").symlink_to("pkg/real.py")
    (tmp_path / "r/pkg/terms").write_text((Path(__file__).parents[2] / "LICENSE").read_text())
    (tmp_path / "r/LICENSE").symlink_to("pkg/terms")
    os.mkfifo(tmp_path / "r/pipe.py")
    table, ledger = run_source("read.code", tmp_path, paths="r")
    assert table["path"].to_pylist() == ["pkg/real.py"]
    assert table["license"].to_pylist()[0] not in (None, "", "unknown")
    assert (ledger.counters.dropped["link"], ledger.counters.dropped["special_file"]) == (1, 1)
