"""Imports: in each language a file finds the files that it means, and nothing outside of the repository or in comments."""

import time

import pytest

from mathcode_data.stages.arrange.comments import BY_LANGUAGE, path_comment
from mathcode_data.stages.arrange.imports import FAMILIES, find_imports, needed_files
from mathcode_data.stages.arrange.order import ordered_parts
from mathcode_data.stages.read.languages import EXTENSIONS, language_of


def needs(files):
    """For each path the paths that it needs."""
    paths = sorted(files)
    languages = [language_of(path) for path in paths]
    found = needed_files(paths, languages, [find_imports(language_of(path), path, files[path]) for path in paths])
    return {path: [paths[number] for number in numbers] for path, numbers in zip(paths, found, strict=True) if numbers}


def test_python_knows_packages_relative_names_and_the_folders_that_the_interpreter_searches():
    assert needs({
        "pkg/__init__.py": "from .a import x\nfrom . import b\n",
        "pkg/a.py": "import os, pkg.deep.c as c\n# import pkg.b\n'''\nimport pkg.b\n'''\n",
        "pkg/b.py": "from pkg import a, NAME\nif x: import pkg.deep\n",
        "pkg/deep/__init__.py": "",
        "pkg/deep/c.py": "from ...pkg.b import (\n  f,  # one\n  g)\nfrom ..missing import h\nfrom .... import out\n",
        "pkg/logging.py": "", "pkg/uses.py": "import logging\n",
        "scripts/run.py": "import helper\nfrom pkg.deep.c import f; import sys\n", "scripts/helper.py": "", "helper.py": "",
        "src/lib/mod.py": "", "tests_here/t.py": "from lib import mod\nfrom lib.mod import name\n",
        "far/away/inner/x.py": "", "far/away/inner/__init__.py": "", "near.py": "import inner.x\n",
        "ext.pyx": "cimport defs\nfrom pkg cimport a\ninclude 'part.pxi'\n", "defs.pxd": "", "part.pxi": "",
    }) == {
        "pkg/__init__.py": ["pkg/a.py", "pkg/b.py"], "pkg/a.py": ["pkg/deep/c.py"],
        "pkg/b.py": ["pkg/__init__.py", "pkg/a.py", "pkg/deep/__init__.py"], "pkg/deep/c.py": ["pkg/b.py"],
        "scripts/run.py": ["pkg/deep/c.py", "scripts/helper.py"], "tests_here/t.py": ["src/lib/mod.py"],
        "near.py": ["far/away/inner/x.py"], "ext.pyx": ["defs.pxd", "part.pxi", "pkg/a.py"],
    }  # fmt: skip


def test_c_finds_headers_beside_the_file_in_include_folders_by_the_nearest_end_and_with_other_case():
    assert needs({
        "src/main.c": '#include "util.h"\n#  include <proj/api.h>\n#include <string.h>\n// #include "no.h"\n/* #include "no.h" */\n',
        "src/util.h": '#include "../other/deep.h"\n#include "../../outside.h"\n', "other/deep.h": "", "include/proj/api.h": "",
        "compat/string.h": "", "src/no.h": "", "lib/util.h": "",
        "a/x.cpp": '#include "Config.H"\n#include "sub\\\\part.hpp"\n', "a/config.h": "", "b/config.h": "", "a/sub/part.hpp": "",
        "gpu/k.cu": '#include "k.cuh"\n', "gpu/k.cuh": "", "m/View.mm": '#import "View.h"\n', "m/View.h": "",
    }) == {
        "src/main.c": ["include/proj/api.h", "src/util.h"], "src/util.h": ["other/deep.h"], "a/x.cpp": ["a/config.h", "a/sub/part.hpp"],
        "gpu/k.cu": ["gpu/k.cuh"], "m/View.mm": ["m/View.h"],
    }  # fmt: skip


def test_java_finds_classes_nested_and_static_members_and_whole_packages():
    assert needs({
        "m/src/org/x/A.java": "package org.x;\nimport org.x.y.B;\nimport static org.x.y.C.member;\nimport java.util.List;\n",
        "m/src/org/x/y/B.java": "import org.x.y.C.Inner;\n", "m/src/org/x/y/C.java": "/** import org.x.A; */\n",
        "n/src/org/x/y/C.java": "", "m/src/org/x/All.java": "import org.x.y.*;\n", "m/src/org/x/K.kt": "import org.x.A\n",
        "m/src/org/x/No.java": "import org.x.y.missing.B;\nString s = \"import org.x.A;\";\n",
    }) == {
        "m/src/org/x/A.java": ["m/src/org/x/y/B.java", "m/src/org/x/y/C.java"], "m/src/org/x/y/B.java": ["m/src/org/x/y/C.java"],
        "m/src/org/x/All.java": ["m/src/org/x/y/B.java", "m/src/org/x/y/C.java"], "m/src/org/x/K.kt": ["m/src/org/x/A.java"],
    }  # fmt: skip


def test_javascript_and_typescript_find_relative_files_index_files_extensions_and_packages_of_the_repository():
    assert needs({
        "src/app.ts": "import React from 'react'\nimport {\n a,\n b } from './lib'\nexport * from \"./types.js\"\nimport './side.css'\n",
        "src/lib/index.tsx": "const x = require('../util')\nawait import('./lazy')\n", "src/util.js": "// import './app'\n",
        "src/lib/lazy.mjs": "import type {T} from '@/types'\nimport {c} from 'core/part'\nimport d from 'core'\n",
        "src/types.ts": "/// <reference path=\"global.d.ts\" />\n", "src/global.d.ts": "",
        "packages/core/package.json": '{\n  "name": "core",\n  "main": "index.js"}', "packages/core/src/part.ts": "",
        "packages/core/index.js": "import '../../../../out'\n",
        "view.vue": "<script>import A from './src/app'</script>",
    }) == {
        "src/app.ts": ["src/lib/index.tsx", "src/types.ts"], "src/lib/index.tsx": ["src/lib/lazy.mjs", "src/util.js"],
        "src/lib/lazy.mjs": ["packages/core/index.js", "packages/core/src/part.ts", "src/types.ts"], "src/types.ts": ["src/global.d.ts"],
        "view.vue": ["src/app.ts"],
    }  # fmt: skip


@pytest.mark.parametrize("has_module", [True, False])
def test_go_imports_packages_by_the_module_path_or_by_the_end_of_the_name(has_module):
    module = {"go.mod": "module example.org/team/proj\n\ngo 1.22\n"} if has_module else {}
    assert needs(module | {
        "main.go": 'package main\nimport (\n\t"fmt"\n\talias "example.org/team/proj/pkg/a"\n\t// "example.org/team/proj/pkg/b"\n)\n',
        "pkg/a/a.go": 'package a\nimport "example.org/team/proj/pkg/b"\n', "pkg/a/two.go": "", "pkg/a/a_test.go": "",
        "pkg/b/b.go": 'import `other.org/fmt`\n', "fmt/f.go": "",
    }) == {"main.go": ["pkg/a/a.go", "pkg/a/two.go"], "pkg/a/a.go": ["pkg/b/b.go"]} | (
        {} if has_module else {"pkg/b/b.go": ["fmt/f.go"]})  # fmt: skip


@pytest.mark.parametrize("has_module", [True, False])
def test_a_go_module_may_lie_below_the_repository_and_two_may_bear_one_name(has_module):
    use = 'package main\nimport "ex.org/m/sub"\nimport "ex.org/m/deep/er"\n'
    files = {}
    for top in ("go/one/", "go/two/"):
        files |= {f"{top}main.go": use, f"{top}cmd/x/main.go": use, f"{top}sub/s.go": "package sub\n", f"{top}deep/er/e.go": "package er\n"}
        files |= {f"{top}go.mod": "module ex.org/m\n"} if has_module else {}
    assert needs(files | {"other/a.go": 'import "ex.net/none/sub"\n'}) == {
        f"{top}{name}": [f"{top}deep/er/e.go", f"{top}sub/s.go"] for top in ("go/one/", "go/two/") for name in ("main.go", "cmd/x/main.go")
    }


def test_files_of_a_go_package_need_each_other_by_the_names_they_declare():
    assert needs({
        "p/use.go": "package p\n\nfunc run(c *Config) { // Hidden\n\tx.Far(limit, \"Quoted\")\n\tnear()\n}\n",
        "p/config.go": "package p\n\ntype Config struct {\n\tname string\n}\n\nfunc (c *Config) run() {}\nfunc init() {}\n",
        "p/const.go": "package p\n\nconst (\n\tlimit = 3\n\tother = near\n)\n\nfunc init() { const near = 1 }\n",
        "p/near.go": "package p\n\nfunc near() {}\nfunc Far() {}\nfunc Hidden() {}\nfunc Quoted() {}\n",
        "p/near_test.go": "package p\nfunc TestNear(t *T) { near() }\n", "p/outer_test.go": "package p_test\nfunc T() { near() }\n",
        "q/near.go": "package p\nfunc limit() {}\n",
    }) == {
        "p/use.go": ["p/config.go", "p/const.go", "p/near.go"], "p/const.go": ["p/near.go"], "p/near_test.go": ["p/near.go"],
    }  # fmt: skip


def test_classes_of_one_java_package_need_each_other_in_any_folder_unless_an_import_hides_them():
    assert needs({
        "main/org/x/A.java": "package org.x;\nimport other.D;\npublic class A extends B { D d; C.I c; // E\n String s = \"E\"; }\n",
        "main/org/x/B.java": "package org.x;\nabstract class B { }\n@Deprecated final class C { static class I { Z z; } }\n",
        "main/org/x/D.java": "package org.x;\nclass D {}", "main/org/x/E.java": "package org.x;\n@interface E {}",
        "test/org/x/ATest.java": "package org.x;\nclass ATest { A a; I i; }\n", "main/org/y/A.java": "package org.y;\nclass A {}",
        "main/org/x/K.kt": "package org.x\n\ninternal data class K(val a: A)\n",
    }) == {
        "main/org/x/A.java": ["main/org/x/B.java"], "main/org/x/K.kt": ["main/org/x/A.java"],
        "test/org/x/ATest.java": ["main/org/x/A.java"],
    }  # fmt: skip


def test_a_name_that_very_many_files_declare_means_none_of_them():
    files = {f"p/f{i}.go": f"package p\nfunc same() {{}}\nfunc f{i}() {{}}\n" for i in range(30)}
    assert needs(files | {"p/use.go": "package p\nfunc use() { same(); f7() }\n"}) == {"p/use.go": ["p/f7.go"]}


def test_rust_finds_modules_and_what_use_means_in_this_crate_and_others():
    assert needs({
        "core/src/lib.rs": "mod a;\npub(crate) mod b;\n#[path = \"odd/name.rs\"]\nmod c;\nmod inline { }\n",
        "core/src/a.rs": "use crate::b::{deep::{Thing, other as o}, self};\nuse super::c;\nuse std::fmt;\n// use crate::z;\n",
        "core/src/b/mod.rs": "pub mod deep;", "core/src/b/deep.rs": "use super::super::a::X;\nuse self::none;\n",
        "core/src/odd/name.rs": "",
        "core/src/c.rs": "", "core/src/z.rs": "",
        "my-tool/src/main.rs": "use core_crate::a::X;\nextern crate core_crate;\n", "core/Cargo.toml": '[package]\nname = "core-crate"\n',
        "tests/t.rs": "mod common;", "tests/common/mod.rs": "",
    }) == {
        "core/src/lib.rs": ["core/src/a.rs", "core/src/b/mod.rs", "core/src/c.rs", "core/src/odd/name.rs"],
        "core/src/a.rs": ["core/src/b/deep.rs", "core/src/b/mod.rs", "core/src/c.rs"], "core/src/b/mod.rs": ["core/src/b/deep.rs"],
        "core/src/b/deep.rs": ["core/src/a.rs"], "my-tool/src/main.rs": ["core/src/a.rs", "core/src/lib.rs"],
        "tests/t.rs": ["tests/common/mod.rs"],
    }  # fmt: skip


def test_two_files_of_one_path_are_both_meant_and_case_tells_files_apart():
    paths, texts = ["Util.py", "main.py", "util.py", "util.py"], ["", "import util", "", ""]
    assert needed_files(paths, ["Python"] * 4, [find_imports("Python", "x.py", text) for text in texts]) == [[], [2, 3], [], []]


def test_circles_are_cut_where_the_fewest_needed_files_are_left_and_parts_stay_apart():
    assert ordered_parts([[1], [2], [0, 3], [], [5], [4]]) == [[3, 0, 2, 1], [4, 5]]
    assert ordered_parts([]) == []


@pytest.mark.parametrize("unit", [
    "/*", "'''", '"', "`", "import (", "import {", "from a import (", "use a::{", "#[path=\"a\"]", "import a.",
    "{", "require(  ", "\\", "'a",
])  # fmt: skip
def test_hostile_files_take_linear_time(unit):
    start = time.perf_counter()
    for family in FAMILIES:
        family.find_imports(unit * (100_000 // len(unit)))
    assert time.perf_counter() - start < 40  # quadratic time would be minutes


def test_every_language_has_a_comment_or_none_of_its_own():
    assert set(EXTENSIONS) - set(BY_LANGUAGE) == {"JSON", "Jupyter Notebook"}
    assert path_comment("a */ b\nc.css", "CSS") == "/* a ?? b?c.css */\n"
    assert path_comment("x", "Klingon") == path_comment("", "C") == ""
