"""Licences of source files: texts, notices, metadata, and the policy that lets files in."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.read.license_policy import LOWER, judge
from mathcode_data.stages.read.licenses import (
    debian_license,
    header_license,
    is_license_file,
    metadata_license,
    parse_metadata,
    recognise_license,
)
from mathcode_data.stages.read.licenses_texts import TEXTS
from mathcode_data.stages.read.licenses_tree import LicenseTree
from support.stages import run_source

CODE = "def add(left, right):\n    return left + right\n"
MIT = "MIT License\n\nPermission is hereby granted, free of charge, to any person ... without restriction, including ..."
COMMON = Path("/usr/share/common-licenses")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (MIT, "MIT"),
        ("Apache License\nVersion 2.0 ... MIT: Permission is hereby granted, free of charge ... without restriction", "Apache-2.0"),
        ("Redistribution and use in source and binary forms ... endorse or\npromote products", "BSD-3-Clause"),
        ("Redistribution and use in source and binary forms, with or without", "BSD-2-Clause"),
        ("PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2", "PSF-2.0"),
        ("GNU LESSER GENERAL PUBLIC LICENSE Version 3 ... the GNU General Public License", "LGPL-3.0"),
        ("All rights reserved.", ""),
    ],
)
def test_licences_are_recognised_by_their_phrases(text, name):
    assert recognise_license(text) == name


@pytest.mark.parametrize("licence", TEXTS, ids=[f"{number}-{licence.name}" for number, licence in enumerate(TEXTS)])
def test_a_text_with_the_clauses_of_a_licence_is_that_licence_however_it_is_wrapped(licence):
    text = "Copyright 2020 somebody\n\n" + "\n\n".join(licence.clauses)
    assert recognise_license(text) == licence.name
    wrapped = "\n * ".join(text.upper().replace(",", " ,").split(" "))
    assert recognise_license(wrapped) == licence.name


@pytest.mark.skipif(not COMMON.is_dir(), reason="needs Debian's folder of licence texts")
@pytest.mark.parametrize("name", ["Apache-2.0", "GPL-1", "GPL-2", "GPL-3", "LGPL-2.1", "LGPL-3", "MPL-1.1", "MPL-2.0", "CC0-1.0"])
def test_whole_texts_are_recognised(name):
    if not (COMMON / name).is_file():
        pytest.skip(f"no {name} here")
    assert recognise_license((COMMON / name).read_text()).removesuffix(".0") == name.removesuffix(".0")


def test_licence_files_of_installed_packages_are_what_their_metadata_says():
    seen = agree = 0
    for distribution in importlib.metadata.distributions():
        fields = parse_metadata(str(distribution.read_text("METADATA") or ""))
        stated = "".join(fields.get("license-expression", ()))
        texts = [file for file in distribution.files or [] if is_license_file(file.name) and ".dist-info" in str(file)]
        if not stated or " " in stated or len(texts) != 1 or seen == 40:
            continue
        found = recognise_license(Path(str(texts[0].locate())).read_text(errors="replace"))
        seen += 1
        agree += found == stated
    if seen < 10:
        pytest.skip("too few packages with a licence expression are installed")
    assert agree / seen >= 0.9


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n", "Apache-2.0 WITH LLVM-exception"),
        (
            "/*\n * This program is free software; you can redistribute it under the terms of the\n * GNU General Public License.\n */\n",
            "GPL-2.0",
        ),
        ('"""Tool.\n\nLicensed under the Apache License,\nVersion 2.0.\n"""\n', "Apache-2.0"),
        ("#!/bin/sh\n# Permission is hereby granted, free of charge, to\n# any person, without restriction\n", "MIT"),
        (
            "/* Redistribution and use in source and binary forms ok.\n * Alternatively, under the terms of the GPL. */\n",
            "BSD-2-Clause OR GPL-2.0",
        ),
        ("int gpl(void); /* under the terms of the GNU General Public License */\n", ""),
        ("LICENSE = 'GNU General Public License'\n", ""),
        ("<!-- Mozilla Public License, v. 2.0 license -->\n<p>", "MPL-2.0"),
    ],
)
def test_the_head_of_a_file_tells_its_licence_and_code_does_not(head, name):
    assert header_license(head + CODE) == name


@pytest.mark.parametrize(
    ("expression", "verdict"),
    [
        ("MIT", "allowed"),
        ("GPL-2.0-or-later OR MIT", "allowed"),
        ("(Apache-2.0 OR GPL-3.0) AND BSD-3-Clause", "allowed"),
        ("MIT AND MPL-2.0", "copyleft"),
        ("Apache-2.0 WITH LLVM-exception", "allowed"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "copyleft"),
        ("MIT AND NOASSERTION", "unknown"),
        ("LicenseRef-mine", "unknown"),
        ("", "unknown"),
        ("MIT OR", "unknown"),
        ("((MIT)", "unknown"),
        ("see LICENSE; MIT?", "unknown"),
    ],
)
def test_expressions_are_judged_by_their_logic(expression, verdict):
    assert judge(expression, LOWER) == verdict


@given(parts=st.lists(st.sampled_from(["MIT ", "GPL-2.0 ", "AND ", "OR ", "WITH ", "(", ")", "?"]), max_size=12))
def test_whatever_the_expression_there_is_a_verdict(parts):
    assert judge("".join(parts), LOWER) in ("allowed", "not_listed", "copyleft", "unknown")


def test_metadata_and_debian_files_are_read():
    assert metadata_license({"classifier": ["License :: OSI Approved :: BSD License"], "license": ["whatever"]}) == "BSD-3-Clause"
    assert (
        metadata_license({"license-expression": ["MIT OR Apache-2.0"], "classifier": ["License :: OSI Approved :: BSD License"]})
        == "MIT OR Apache-2.0"
    )
    assert debian_license("Files: *\nCopyright: x\nLicense: GPL-2+ or Expat\n") == "GPL-2.0+ OR MIT"
    assert debian_license("Files: debian/*\nLicense: GPL-3\n") == ""


def test_the_nearest_licence_file_counts_and_bundled_ones_do_not():
    tree = LicenseTree()
    tree.add("LICENSE", MIT)
    tree.add("lib/COPYING", "GNU GENERAL PUBLIC LICENSE Version 2, June 1991")
    tree.add("x-1.dist-info/licenses/vendor/LICENSE", "Mozilla Public License 2.0")
    assert [tree.of(path) for path in ("a.py", "src/deep/b.py", "lib/c.py", "lib/d/e.py")] == ["MIT", "MIT", "GPL-2.0", "GPL-2.0"]


@pytest.mark.parametrize(
    ("policy", "kept", "reasons"),
    [
        ("permissive", {"a.py"}, {"license_copyleft": 1, "license_unknown": 1}),
        ("any", {"a.py", "b.py", "c.py"}, {}),
        (["GPL-2.0"], {"b.py"}, {"license_not_listed": 1, "license_unknown": 1}),
    ],
)
def test_the_policy_drops_with_a_reason(policy, kept, reasons, tmp_path):
    for name, text in {"a/LICENSE": MIT, "a/a.py": CODE, "b/b.py": f"# SPDX-License-Identifier: GPL-2.0\n{CODE}", "c/c.py": CODE}.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(text)
    table, ledger = run_source("read.code", tmp_path, paths="in", repository_depth=1, licenses=policy)
    assert set(table["path"].to_pylist()) == kept
    assert dict(ledger.counters.dropped) == reasons


GPL_TEXT = "GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007"
APACHE = "Apache License\nVersion 2.0, January 2004\nhttp://www.apache.org/licenses/"
CLASSIFIER = "Classifier: License :: OSI Approved :: "
GPL_CLASSIFIER = f"{CLASSIFIER}GNU General Public License v3 (GPLv3)\n"


def licence_tree(**files):
    tree = LicenseTree()
    for name, text in files.items():
        tree.add(name, text)
    return tree


def metadata(name, fields):
    return f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{fields}\n"


SITE = {
    "free-1.0.dist-info/METADATA": metadata("free", "License-Expression: MIT\n"),
    "My.Copy_left-1.0.dist-info/METADATA": metadata("My.Copy-left", GPL_CLASSIFIER),
    "silent-1.0.dist-info/METADATA": metadata("silent", ""),
    "other-1.0.dist-info/METADATA": metadata("other", f"{CLASSIFIER}BSD License\n"),
    "other-1.0.dist-info/top_level.txt": "_inner\nshown\n",
    "listed-1.0.dist-info/METADATA": metadata("listed", "License-Expression: Apache-2.0\n"),
    "listed-1.0.dist-info/RECORD": 'space/listed/a.py,sha256=x,1\n"space/listed/b, c.py",,\n',
    "textual-1.0.dist-info/METADATA": metadata("textual", ""),
    "textual-1.0.dist-info/licenses/LICENSE": MIT,
}


@pytest.mark.parametrize("top", ["", "venv/lib/"])
def test_distributions_side_by_side_stand_each_under_its_own_licence(top):
    tree = licence_tree(**{top + name: text for name, text in SITE.items()})
    assert {path: tree.of(top + path) for path in (
        "free/a.py", "free.py", "my_copy_left/a.py", "silent/a.py", "_inner.pyi", "shown/x/y.py", "other/a.py", "space/listed/a.py",
        "space/listed/b, c.py", "space/else.py", "listed/a.py", "textual/a.py", "loose.py",
    )} == {
        "free/a.py": "MIT", "free.py": "MIT", "my_copy_left/a.py": "GPL-3.0", "silent/a.py": "", "_inner.pyi": "BSD-3-Clause",
        "shown/x/y.py": "BSD-3-Clause", "other/a.py": "", "space/listed/a.py": "Apache-2.0", "space/listed/b, c.py": "Apache-2.0",
        "space/else.py": "", "listed/a.py": "", "textual/a.py": "MIT", "loose.py": "",
    }  # fmt: skip


def test_files_of_no_distribution_stand_under_the_licence_file_above_them_unless_another_distribution_brought_it():
    above = licence_tree(**SITE, **{"LICENSE": MIT, "shown/COPYING": GPL_TEXT})
    assert [above.of(path) for path in ("loose.py", "silent/a.py", "my_copy_left/a.py", "shown/a.py")] == [
        "MIT", "MIT", "GPL-3.0", "GPL-3.0",
    ]  # fmt: skip
    brought = licence_tree(**SITE | {"LICENSE": MIT, "listed-1.0.dist-info/RECORD": "LICENSE,,\nspace/a.py,,\n"})
    assert [brought.of(path) for path in ("loose.py", "silent/a.py", "space/a.py")] == ["", "", "MIT"]


def test_of_a_list_too_long_to_be_read_whole_the_folders_count():
    record = "".join(f"{'deep/' * 40}{number}.py,,\n" for number in range(5000))
    mit = {f"{name}-1.dist-info/METADATA": metadata(name, "License-Expression: MIT\n") for name in "xy"}
    assert [licence_tree(**mit, **{"x-1.dist-info/RECORD": record}).of(path) for path in ("deep/not_listed.py", "else.py")] == ["MIT", ""]


def test_a_file_that_two_distributions_claim_stands_under_both():
    record = {"x-1.dist-info/RECORD": "ns/a.py,,\n", "y-1.dist-info/RECORD": "ns/a.py,,\n"}
    both = {"x-1.dist-info/METADATA": metadata("x", "License-Expression: MIT\n"), "y-1.dist-info/METADATA": metadata("y", GPL_CLASSIFIER)}
    assert licence_tree(**both, **record).of("ns/a.py") == "GPL-3.0 AND MIT"
    both["y-1.dist-info/METADATA"] = metadata("y", "")
    assert licence_tree(**both, **record).of("ns/a.py") == ""


@pytest.mark.parametrize(
    ("fields", "texts", "name"),
    [
        ("License-Expression: MIT\n", {}, "MIT"),
        ("License-Expression: MIT\n", {"u/COPYING": GPL_TEXT}, "GPL-3.0"),
        ("License-Expression: MIT\n", {"u-1.dist-info/licenses/LICENSE": GPL_TEXT}, "GPL-3.0"),
        ("License-Expression: GPL-3.0-only\n", {"u/LICENSE": MIT}, "GPL-3.0-only"),
        ("License-Expression: GPL-3.0-or-later\n", {"LICENSE": GPL_TEXT}, "GPL-3.0-or-later"),
        ("License-Expression: MIT\n", {"u/LICENSE": APACHE}, "Apache-2.0"),
        ("License-Expression: MIT OR GPL-3.0-or-later\n", {"LICENSE-MIT": MIT, "LICENSE-GPL": GPL_TEXT}, "MIT OR GPL-3.0-or-later"),
        ("License-Expression: MIT AND BSD-3-Clause\n", {"LICENSE": MIT}, "MIT AND BSD-3-Clause"),
        (f"{CLASSIFIER}BSD License\n", {"LICENSE": MIT}, "MIT"),
        (GPL_CLASSIFIER, {"LICENSE": MIT}, "GPL-3.0"),
        (f"{CLASSIFIER}MIT License\n{GPL_CLASSIFIER}", {}, "GPL-3.0 AND MIT"),
        (f"{CLASSIFIER}MIT License\n{CLASSIFIER}European Union Public Licence 1.2 (EUPL 1.2)\n", {}, "MIT AND NOASSERTION"),
    ],
)
def test_licence_files_come_before_metadata_and_of_two_that_contradict_each_other_the_stricter_counts(fields, texts, name):
    assert licence_tree(**{"u-1.dist-info/METADATA": metadata("u", fields)}, **texts).of("u/a.py") == name


def test_a_source_distribution_is_one_however_often_it_describes_itself():
    info = metadata("x", "License-Expression: MIT\n")
    tree = licence_tree(**{"PKG-INFO": info, "src/x.egg-info/PKG-INFO": info, "src/y.egg-info/PKG-INFO": metadata("y", "")})
    assert [tree.of(path) for path in ("setup.py", "src/x/a.py", "src/z/a.py")] == ["MIT", "MIT", "MIT"]
    assert licence_tree(**{"EGG-INFO/PKG-INFO": info}).of("x/a.py") == "MIT"


def test_what_a_lost_licence_file_governs_is_under_an_unknown_licence():
    tree = licence_tree(LICENSE=MIT)
    tree.add_unreadable("lib/COPYING")
    assert [judge(tree.of(path), LOWER) for path in ("a.py", "lib/a.py")] == ["allowed", "unknown"]


def test_a_folder_of_installed_packages_is_not_one_package(tmp_path):
    for name, text in SITE.items():
        (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / name).write_text(text)
    for name in ("free", "my_copy_left", "silent", "space/listed"):
        (tmp_path / "site" / name).mkdir(parents=True)
        (tmp_path / "site" / name / "a.py").write_text(CODE)
    table, ledger = run_source("read.code", tmp_path, paths="site")
    assert dict(zip(table["path"].to_pylist(), table["license"].to_pylist(), strict=True)) == {
        "free/a.py": "MIT", "space/listed/a.py": "Apache-2.0",
    }  # fmt: skip
    assert dict(ledger.counters.dropped) == {"license_copyleft": 1, "license_unknown": 1}
