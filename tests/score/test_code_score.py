"""score.code: syntax, comments and documentation of source files."""

from __future__ import annotations

import sysconfig
import tokenize
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.arrange.comments import BY_LANGUAGE
from mathcode_data.stages.score.code_comments import SYNTAX, count_comments
from mathcode_data.stages.score.code_syntax import MAX_PARSED, parse_python
from support.stages import documents, run_map


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("x = 1\n", "ok"),
        ("", "ok"),
        ("print 'a'\n", "python2"),
        ("print >>f\n", "ok"),
        ("try:\n    pass\nexcept A, e:\n    pass\n", "python2"),
        ("raise A, 'text'\n", "python2"),
        ("exec 'x = 1'\n", "python2"),
        ("x = 0777\n", "python2"),
        ("x = 10L\n", "python2"),
        ("if a <> b:\n    pass\n", "python2"),
        ("x = `y`\n", "python2"),
        ("def f(a, (b, c)):\n    pass\n", "python2"),
        ("if x:\n        a\n\tb\n", "python2"),
        ("def f(:\n", "error"),
        ("x = 'print\n", "error"),
        ("x = {1: 2\n", "error"),
        ("(" * 10_000, "too_deep"),
        ("-" * 100_000 + "1", "too_deep"),
        ("x = 1\n" * (MAX_PARSED // 6 + 1), "too_large"),
        ("x = '\\d'\n", "ok"),
        ("x = 1\0\n", "error"),
        ("x = " + "9" * 5000 + "\n", "error"),
    ],
)
def test_syntax_is_judged_in_bounded_time_and_python_two_is_told_apart(text, verdict):
    assert parse_python(text)[0] == verdict


@pytest.mark.parametrize(
    ("language", "text", "comments", "documentation"),
    [
        ("C", 'char *s = "/* no */"; /* yes */\n', 9, 0),
        ("Java", "/** Doc. */\nint a; // b\n", 15, 11),
        ("Rust", "/// Doc.\nfn f() {}\n", 8, 8),
        ("JavaScript", "let s = `// no ${a}`; // yes\n", 6, 0),
        ("Shell", 'echo "# no" # yes\n', 5, 0),
        ("SQL", "select '--no' -- yes\n", 6, 0),
        ("Haskell", "-- | Doc\nf = 1 {- no doc -}\n", 20, 8),
        ("Lua", "--[[ long\nlong ]] x = 1\n", 17, 0),
        ("HTML", "<p><!-- a --></p>", 10, 0),
        ("Perl", "my $x;\n=pod\n\ntext\n\n=cut\n1;\n", 16, 16),
        ("TeX", "a % b\n", 3, 0),
        ("OCaml", "(** doc *) let a = 1 (* b *)", 17, 10),
        ("C", "/* never closed\n", 16, 0),
        ("Python", "s = '''# no\n# no'''  # yes\n", 5, 0),
    ],
)
def test_comments_are_counted_and_strings_are_not(language, text, comments, documentation):
    assert count_comments(text, language) == (comments, documentation)


def test_pythons_tokenizer_finds_the_same_comments():
    root = Path(sysconfig.get_paths()["stdlib"])
    for name in ("argparse.py", "tokenize.py", "textwrap.py", "string.py", "json/decoder.py", "re/_parser.py", "inspect.py"):
        path = root / name
        with tokenize.open(path) as file:
            expected = sum(len(token.string) for token in tokenize.generate_tokens(file.readline) if token.type == tokenize.COMMENT)
        found = count_comments(path.read_text(encoding="utf-8"), "Python")
        assert found is not None
        assert found[0] == expected, name


@given(text=st.text(st.sampled_from("'\"\\#/*-{}()`\n ab!%;="), max_size=80), language=st.sampled_from(sorted(SYNTAX)))
def test_comments_are_a_part_of_any_text(text, language):
    found = count_comments(text, language)
    assert found is not None
    assert 0 <= found[1] <= found[0] <= len(text)


def test_hostile_text_takes_linear_time():
    for piece in ("/*", "'", '"', "\\", "(*", "`", "#|", "<!--", "'''", "=begin\n"):
        for language in ("C", "JavaScript", "Python", "OCaml", "Perl", "Scheme"):
            count_comments(piece * (100_000 // len(piece)), language)


def test_every_language_with_comments_is_known():
    assert set(BY_LANGUAGE) - set(SYNTAX) == {"Text", "reStructuredText"}


def test_columns_are_added_and_nothing_is_dropped():
    table = documents(["# why\nx = 1\n", 'def f():\n    """Say."""\n', "print 1\n", "def (:\n", "{}"], language=["Python"] * 4 + ["JSON"])
    out, ledger = run_map("score.code", table)
    assert out["syntax"].to_pylist() == ["ok", "ok", "python2", "error", "not_checked"]
    assert out["score_code_syntax"].to_pylist() == [1.0, 1.0, 0.5, 0.0, 1.0]
    assert out["score_code_comments"].to_pylist()[0] == pytest.approx(5 / 12)
    assert out["score_code_documentation"].to_pylist()[1] == pytest.approx(4 / 24)
    assert ledger.counters.facts["syntax_ok"] == 2
    kept, _ = run_map("select.threshold", out, column="score_code_syntax", min=0.5)
    assert kept.num_rows == 4
    empty, _ = run_map("score.code", table.slice(0, 0))
    assert empty.schema == out.schema
