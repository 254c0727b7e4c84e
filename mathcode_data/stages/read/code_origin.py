"""Files that nobody wrote for this repository: vendored, minified, generated or locked, told by their paths and first lines.

Tables in the manner of GitHub's linguist. The path is enough for most, so such files are counted without being read.
"""

from __future__ import annotations

import re

VENDORED_FOLDERS = frozenset(
    {
        "node_modules", "bower_components", "jspm_packages", "vendor", "vendors", "vendored", "_vendor", "third_party", "third-party",
        "thirdparty", "3rdparty", "3rd_party", "godeps", "pods", "carthage", "extern", "external", "externals", "site-packages",
        "dist-packages",
        ".yarn", "gradle-wrapper", "__pypackages__", "eggs", ".venv", "virtualenv", "webjars",
    }
)  # fmt: skip
"""Folders that hold the code of others, lower case."""
VENDORED_FILES = (
    r"jquery(?:[-.][\w.]+)?\.js", r"bootstrap(?:[-.][\w.]+)?\.(?:js|css|less|scss)", r"modernizr(?:[-.][\w.]+)?\.js",
    r"angular(?:-\w+)*\.js",
    r"d3(?:\.v\d+)?\.js",
    r"(?:underscore|lodash|backbone|prototype|require|react|vue|three|raphael|mootools|moment|ember|knockout)[-.]\d[\w.]*\.js",
    r"normalize\.css", r"font-?awesome[\w.-]*\.css", r"ltmain\.sh", r"config\.(?:guess|sub)", r"libtool\.m4", r"aclocal\.m4", r"lt\w+\.m4",
    r"install-sh", r"missing", r"depcomp", r"compile", r"mkinstalldirs", r"py-compile", r"test-driver", r"ylwrap", r"gradlew(?:\.bat)?",
    r"mvnw(?:\.cmd)?", r"waf", r"bootstrap-\w+\.py", r"versioneer\.py", r"ez_setup\.py", r"get-pip\.py",
)  # fmt: skip
GENERATED_FILES = (
    # lock files
    r"package-lock\.json", r"npm-shrinkwrap\.json", r"yarn\.lock", r"pnpm-lock\.yaml", r"composer\.lock", r"cargo\.lock", r"poetry\.lock",
    r"pipfile\.lock", r"gemfile\.lock", r"go\.sum", r"mix\.lock", r"flake\.lock", r"uv\.lock", r"packages\.lock\.json",
    # protocol compilers
    r".*\.pb\.(?:go|cc|h|swift|gw\.go)", r".*_pb2(?:_grpc)?\.pyi?", r".*_pb\.(?:js|d\.ts|rb)", r".*\.pb\.\w+\.dart", r".*_grpc\.pb\.\w+",
    r"ttypes\.py", r"zz_generated\.[\w.]+\.go",
    # parser and interface generators
    r".*\.tab\.[ch](?:pp|c)?", r"lex\.\w+\.c", r"y\.tab\.[ch]", r".*(?:lexer|parser|visitor|listener)\.interp", r"moc_.*\.cpp",
    r"qrc_.*\.(?:cpp|py)",
    r"ui_.*\.h", r".*_wrap\.(?:c|cc|cpp|cxx)", r".*\.designer\.(?:cs|vb)", r".*\.g\.(?:cs|dart|i\.cs)", r".*\.freezed\.dart",
    r".*\.generated\.\w+",
    r".*_generated\.\w+", r"r\.java", r"buildconfig\.java", r".*\.xcodeproj/.*", r"parsetab\.py", r"lextab\.py", r"bindata\.go",
    r"rice-box\.go",
    # builds
    r"configure", r"makefile\.in", r"config\.h\.in", r".*\.(?:js|css)\.map", r".*[-.]bundle\.js", r".*\.chunk\.(?:js|css)", r"bundle\.js",
)  # fmt: skip
MINIFIED_FILES = (r".*[-.]min\.(?:js|css|mjs|html)",)

_VENDORED = re.compile("|".join(VENDORED_FILES), re.I)
_GENERATED = re.compile("|".join(GENERATED_FILES), re.I)
_MINIFIED = re.compile("|".join(MINIFIED_FILES), re.I)

PHRASES = re.compile(
    r"auto-?generated|automatically generated|generated (?:by|from|automatically)|do not (?:edit|modify)|@generated|this file is generated",
    re.IGNORECASE,
)
PHRASE_LINES = 5
MINIFIABLE = frozenset({"JavaScript", "CSS", "TypeScript"})
MINIFIED_LINE = 110
"""Characters of an average line above which a script may be minified; it is if blanks are rare too."""
MINIFIED_BLANKS = 0.1
MAX_SHOWN = 1000


def origin_by_path(path: str) -> str | None:
    """Why a file is nobody's own work, by its path in the repository: `vendored`, `minified`, `generated`; else None.

    >>> [origin_by_path(path) for path in ("a/node_modules/b/c.js", "x.min.js", "api_pb2.py", "src/node.js")]
    ['vendored', 'minified', 'generated', None]
    """
    *folders, base = path.lower().split("/")
    if not VENDORED_FOLDERS.isdisjoint(folders) or _VENDORED.fullmatch(base):
        return "vendored"
    if _MINIFIED.fullmatch(base):
        return "minified"
    return "generated" if _GENERATED.fullmatch(base) else None


def says_generated(lines: list[str]) -> bool:
    """Whether the first lines of a file say that a program wrote it."""
    return PHRASES.search("\n".join(lines[:PHRASE_LINES])[: PHRASE_LINES * MAX_SHOWN]) is not None


def is_minified(text: str, num_lines: int, language: str) -> bool:
    """Whether a script was squeezed: long lines with few blanks."""
    if language not in MINIFIABLE or len(text) <= MINIFIED_LINE * num_lines:
        return False
    blanks = text.count(" ") + text.count("\t") + text.count("\n")
    return blanks < MINIFIED_BLANKS * len(text)
