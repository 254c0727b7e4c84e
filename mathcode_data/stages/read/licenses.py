"""The licence of a source tree by simple phrases of its licence file; "" where they do not tell."""

from __future__ import annotations

import re

from mathcode_data.stages.read.languages import language_of

LICENSE_FILES = re.compile(r"(?:licen[cs]e|copying)(?:[-.][a-z0-9]+){0,2}", re.IGNORECASE)
MAX_LICENSE_BYTES = 1_000_000
PHRASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Apache-2.0", ("apache license", "version 2.0")),
    ("AGPL-3.0", ("gnu affero general public license", "version 3")),
    ("LGPL-3.0", ("gnu lesser general public license", "version 3")),
    ("LGPL-2.1", ("gnu lesser general public license", "version 2.1")),
    ("GPL-3.0", ("gnu general public license", "version 3")),
    ("GPL-2.0", ("gnu general public license", "version 2")),
    ("MPL-2.0", ("mozilla public license", "version 2.0")),
    ("PSF-2.0", ("python software foundation license",)),
    ("Unlicense", ("this is free and unencumbered software released into the public domain",)),
    ("ISC", ("permission to use, copy, modify, and/or distribute this software for any purpose",)),
    ("BSD-3-Clause", ("redistribution and use in source and binary forms", "endorse or promote products")),
    ("BSD-2-Clause", ("redistribution and use in source and binary forms",)),
    ("MIT", ("permission is hereby granted, free of charge", "without restriction")),
    ("CC0-1.0", ("cc0 1.0 universal",)),
)
"""SPDX names with the phrases that must all stand in the text; the name whose first phrase stands first wins."""


def is_license_file(name: str) -> bool:
    """Tell a licence file by its name.

    >>> is_license_file("LICENSE.txt"), is_license_file("LICENSE-MIT"), is_license_file("license.py")
    (True, True, False)
    """
    return LICENSE_FILES.fullmatch(name) is not None and language_of(name) in (None, "Markdown", "reStructuredText")


def recognise_license(text: str) -> str:
    """SPDX name of a licence, "" if it is none of those known.

    >>> recognise_license("Permission is hereby granted, free of charge, ... without restriction, ...")
    'MIT'
    """
    words = " ".join(text.lower().split())
    found = [(words.find(phrases[0]), rank, name) for rank, (name, phrases) in enumerate(PHRASES) if all(p in words for p in phrases)]
    return min(found)[2] if found else ""
