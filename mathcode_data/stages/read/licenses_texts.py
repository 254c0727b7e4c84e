"""What licences are recognised by: clauses of their texts, and short signs that stand in notices at the head of files.

A clause is a sentence that every copy of the licence has. Several rows may share an SPDX name (old and new wordings).
`without` are words that make it another licence: BSD-3-Clause has all of BSD-2-Clause, and a clause more.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LicenseText:
    """A licence: its SPDX name, clauses that all must stand in a text, and phrases that must not."""

    name: str
    clauses: tuple[str, ...]
    without: tuple[str, ...] = ()


_MIT_GRANT = (
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation"
    " files (the Software), to deal in the Software without restriction, including without limitation the rights to use, copy, modify,"
    " merge, publish, distribute"
)
_MIT_NOTICE = (
    "The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software"
)
_BSD_GRANT = (
    "Redistribution and use in source and binary forms, with or without modification, are permitted provided that the following"
    " conditions are met"
)
_BSD_ENDORSE = "may be used to endorse or promote products derived from this software without specific prior written permission"
_BSD_ADVERTISE = "All advertising materials mentioning features or use of this software must display the following acknowledgement"
_ISC_GRANT = "Permission to use, copy, modify, and or distribute this software for any purpose with or without fee is hereby granted"
_ISC_NOTICE = "provided that the above copyright notice and this permission notice appear in all copies"
_GPL_2 = "GNU GENERAL PUBLIC LICENSE Version 2, June 1991"
_GPL_3 = "GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007"

TEXTS: tuple[LicenseText, ...] = (
    LicenseText("JSON", (_MIT_GRANT, "The Software shall be used for Good, not Evil")),
    LicenseText(
        "X11", (_MIT_GRANT, _MIT_NOTICE, "shall not be used in advertising or otherwise to promote the sale, use or other dealings")
    ),
    LicenseText(
        "HPND",
        (
            "Permission to use, copy, modify and distribute this software and its documentation for any"
            " purpose and without fee is"
            " hereby granted",
            "appear in supporting documentation",
        ),
    ),
    LicenseText("Apache-1.1", (_BSD_GRANT, "This product includes software developed by the Apache Software Foundation")),
    LicenseText(
        "PostgreSQL",
        (
            "Permission to use, copy, modify, and distribute this software and its documentation for any"
            " purpose, without fee,"
            " and without a written agreement is hereby granted",
        ),
    ),
    LicenseText(
        "NCSA",
        (
            _MIT_GRANT.replace("distribute", "distribute, sublicense"),
            "Neither the names of",
            "nor the names of its contributors may be used to endorse or promote products derived from this Software",
        ),
    ),
    LicenseText(
        "curl",
        (
            "Permission to use, copy, modify, and distribute this software for any purpose with or without"
            " fee is hereby granted,"
            " provided that the above copyright notice and this permission notice appear in all copies",
            "Except as contained in this notice, the name of a copyright holder shall not be used in advertising",
        ),
    ),
    LicenseText(
        "MIT", (_MIT_GRANT, _MIT_NOTICE), ("distribute with modifications", "except in advertising or otherwise", "good, not evil")
    ),
    LicenseText("MIT-0", (_MIT_GRANT,), ("permission notice shall be included", "and this permission notice")),
    LicenseText(
        "BSD-2-Clause",
        (_BSD_GRANT, "Redistributions in binary form must reproduce the above copyright notice"),
        ("endorse or promote products", "advertising materials mentioning"),
    ),
    LicenseText("BSD-3-Clause", (_BSD_GRANT, _BSD_ENDORSE), ("advertising materials mentioning",)),
    LicenseText("BSD-4-Clause", (_BSD_GRANT, _BSD_ADVERTISE)),
    LicenseText("ISC", (_ISC_GRANT, _ISC_NOTICE)),
    LicenseText("ISC", (_ISC_GRANT.replace("and or", "and"), _ISC_NOTICE), ("in supporting documentation", "and or distribute")),
    LicenseText("0BSD", (_ISC_GRANT, "THE SOFTWARE IS PROVIDED AS IS AND THE AUTHOR DISCLAIMS ALL WARRANTIES"), ("appear in all copies",)),
    LicenseText(
        "Apache-2.0",
        (
            "Apache License Version 2.0, January 2004",
            "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION",
            "each Contributor hereby grants to You a perpetual, worldwide, non-exclusive, no-charge, royalty-free",
        ),
    ),
    LicenseText(
        "Zlib",
        (
            "This software is provided as-is, without any express or implied warranty. In no event will the"
            " authors be held"
            " liable for any damages arising from the use of this software",
            "Altered source versions must be plainly marked as such, and must not be misrepresented as being the original software",
        ),
    ),
    LicenseText(
        "BSL-1.0",
        ("Boost Software License Version 1.0", "obtaining a copy of the software and accompanying documentation covered by this license"),
    ),
    LicenseText("Unlicense", ("This is free and unencumbered software released into the public domain",)),
    LicenseText("CC0-1.0", ("CC0 1.0 Universal",)),
    LicenseText("CC-BY-4.0", ("Creative Commons Attribution 4.0 International",)),
    LicenseText("CC-BY-SA-4.0", ("Creative Commons Attribution-ShareAlike 4.0 International",)),
    LicenseText("CC-BY-NC-4.0", ("Creative Commons Attribution-NonCommercial 4.0 International",)),
    LicenseText("WTFPL", ("DO WHAT THE FUCK YOU WANT TO PUBLIC LICENSE",)),
    LicenseText("BlueOak-1.0.0", ("Blue Oak Model License Version 1.0.0",)),
    LicenseText(
        "PSF-2.0",
        (
            "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2",
            "grants Licensee a nonexclusive, royalty-free, world-wide license to"
            " reproduce, analyze, test, perform and or display publicly, prepare derivative works",
        ),
    ),
    LicenseText("Artistic-2.0", ("The Artistic License 2.0",)),
    LicenseText("UPL-1.0", ("The Universal Permissive License (UPL), Version 1.0",)),
    LicenseText("MS-PL", ("Microsoft Public License (Ms-PL)",)),
    LicenseText("AGPL-3.0", ("GNU AFFERO GENERAL PUBLIC LICENSE Version 3, 19 November 2007",)),
    LicenseText("LGPL-3.0", ("GNU LESSER GENERAL PUBLIC LICENSE Version 3, 29 June 2007",)),
    LicenseText("LGPL-2.1", ("GNU LESSER GENERAL PUBLIC LICENSE Version 2.1, February 1999",)),
    LicenseText("LGPL-2.0", ("GNU LIBRARY GENERAL PUBLIC LICENSE Version 2, June 1991",)),
    LicenseText("GPL-3.0", (_GPL_3,)),
    LicenseText("GPL-2.0", (_GPL_2,)),
    LicenseText("GPL-1.0", ("GNU GENERAL PUBLIC LICENSE Version 1, February 1989",)),
    LicenseText("GFDL-1.3", ("GNU Free Documentation License Version 1.3",)),
    LicenseText("GFDL-1.2", ("GNU Free Documentation License Version 1.2",)),
    LicenseText("MPL-2.0", ("Mozilla Public License Version 2.0", "Exhibit A Source Code Form License Notice")),
    LicenseText("MPL-1.1", ("MOZILLA PUBLIC LICENSE Version 1.1",)),
    LicenseText("EPL-2.0", ("Eclipse Public License v 2.0",)),
    LicenseText("EPL-1.0", ("Eclipse Public License v 1.0",)),
    LicenseText("CDDL-1.0", ("COMMON DEVELOPMENT AND DISTRIBUTION LICENSE (CDDL) Version 1.0",)),
    LicenseText("EUPL-1.2", ("EUROPEAN UNION PUBLIC LICENCE v. 1.2",)),
    LicenseText("SSPL-1.0", ("Server Side Public License VERSION 1",)),
    LicenseText("BUSL-1.1", ("Business Source License 1.1",)),
    LicenseText("Elastic-2.0", ("Elastic License 2.0",)),
)

SIGNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Apache-2.0", ("apache license", "version 2.0")),
    ("AGPL-3.0", ("affero general public license",)),
    ("LGPL-3.0", ("gnu lesser general public license", "version 3")),
    ("LGPL-2.1", ("gnu lesser general public license",)),
    ("LGPL-2.0", ("gnu library general public license",)),
    ("GPL-3.0", ("gnu general public license", "version 3")),
    ("GPL-2.0", ("gnu general public license",)),
    ("GPL-2.0", ("terms of the gpl",)),
    ("MPL-2.0", ("mozilla public license", "2.0")),
    ("MPL-1.1", ("mozilla public license",)),
    ("EPL-2.0", ("eclipse public license",)),
    ("CDDL-1.0", ("common development and distribution license",)),
    ("BUSL-1.1", ("business source license",)),
    ("SSPL-1.0", ("server side public license",)),
    ("PSF-2.0", ("python software foundation license",)),
    ("Unlicense", ("free and unencumbered software released into the public domain",)),
    ("ISC", ("permission to use, copy, modify, and/or distribute this software for any purpose",)),
    ("ISC", ("released under the isc license",)),
    ("BSD-3-Clause", ("redistribution and use in source and binary forms", "endorse or promote products")),
    ("BSD-2-Clause", ("redistribution and use in source and binary forms",)),
    ("BSD-3-Clause", ("bsd 3-clause",)),
    ("BSD-3-Clause", ("bsd-style license",)),
    ("BSD-2-Clause", ("bsd 2-clause",)),
    ("MIT", ("permission is hereby granted, free of charge", "without restriction")),
    ("MIT", ("under the mit license",)),
    ("MIT", ("under the terms of the mit license",)),
    ("MIT", ("the mit license (mit)",)),
    ("BSL-1.0", ("boost software license",)),
    ("Zlib", ("provided 'as-is', without any express or implied warranty", "altered source versions must be plainly marked")),
    ("CC0-1.0", ("cc0 1.0 universal",)),
    ("CC-BY-NC-4.0", ("attribution-noncommercial",)),
    ("CC-BY-SA-4.0", ("attribution-sharealike",)),
)
"""SPDX names with words that must all stand near each other; the name whose first phrase stands first wins."""

CLASSIFIERS: dict[str, str] = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "GNU Affero General Public License v3": "AGPL-3.0",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License (GPL)": "GPL-2.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-2.1",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Other/Proprietary License": "LicenseRef-proprietary",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Universal Permissive License (UPL)": "UPL-1.0",
    "zlib/libpng License": "Zlib",
}
"""PyPI's classifiers (`License :: OSI Approved :: ...`) as SPDX names."""
