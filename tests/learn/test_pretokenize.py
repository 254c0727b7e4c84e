"""The six steps are DeepSeek-LLM's, and the single split makes the same cuts."""

import gzip
import itertools

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from mathcode_data.stages.learn.pretokenize import DIGITS, DIGITS_CLASS, class_points, is_six_steps, single_split, six_steps
from mathcode_data.stages.learn.tokenizer import _empty_tokenizer

# one character of each class: line ends, spaces (narrow, wide, ideographic), letters (ASCII, other, in the CJK range),
# marks (ASCII, in the CJK range), CJK, digits (in the CJK range, ASCII), anything else
CLASSES = ["\n", "\r", " ", "\u2003", "\u3000", "a", "é", "ὀ", "!", "‘", "数", "१", "7", "😀"]


def cuts_of(pre_tokenizer):
    tool = Tokenizer.from_str(orjson.dumps(_empty_tokenizer(pre_tokenizer)).decode()).pre_tokenizer
    return lambda text: [place for _, place in tool.pre_tokenize_str(text)]


@pytest.fixture(scope="module")
def cuts():
    return cuts_of(six_steps()), cuts_of(single_split())


def test_all_strings_of_up_to_three_classes_are_cut_alike(cuts):
    six, single = cuts
    strings = ["".join(signs) for length in (1, 2, 3) for signs in itertools.product(CLASSES, repeat=length)]
    assert [text for text in strings if six(text) != single(text)] == []


@pytest.mark.slow
def test_all_strings_of_four_classes_are_cut_alike(cuts):
    six, single = cuts
    strings = ("".join(signs) for signs in itertools.product([sign for sign in CLASSES if sign != "\n"], repeat=4))
    while text := "\n".join(itertools.islice(strings, 2000)):  # a line end cuts, so a line does not see the next
        assert six(text) == single(text)


@given(st.lists(st.tuples(st.sampled_from(CLASSES), st.integers(1, 5)), max_size=25))
def test_runs_of_classes_are_cut_alike(cuts, runs):
    text = "".join(sign * number for sign, number in runs)
    assert cuts[0](text) == cuts[1](text)


@pytest.mark.slow
def test_the_digits_are_those_of_hugging_face():
    tool = cuts_of({"type": "Sequence", "pretokenizers": [DIGITS]})
    points = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    found = set()
    for start in range(0, len(points), 4096):
        text = "xx" + "xx".join(map(chr, points[start : start + 4096])) + "xx"  # only a digit stands alone
        found |= {ord(text[first]) for first, last in tool(text) if last - first == 1}
    assert found == class_points(DIGITS_CLASS)


def test_the_six_steps_are_known_however_their_classes_are_written():
    steps = six_steps()["pretokenizers"]
    rewritten = [dict(step) for step in steps]
    rewritten[0] = steps[0] | {"pattern": {"Regex": r"[\n\r]"}}
    assert is_six_steps({"type": "Sequence", "pretokenizers": rewritten})
    for place, change in [
        (0, {"behavior": "Removed"}), (1, {"pattern": {"Regex": r"\s?\p{L}+"}}), (2, {"invert": True}),
        (4, {"pattern": {"Regex": r"[\d]+"}}),
        (5, {"individual_digits": False}), (6, {"add_prefix_space": True}), (6, {"use_regex": True}),
    ]:  # fmt: skip
        other = [dict(step) for step in steps]
        other[place] = steps[place] | change
        assert not is_six_steps({"type": "Sequence", "pretokenizers": other}), (place, change)
    assert not is_six_steps({"type": "Sequence", "pretokenizers": steps[:-1]})


def test_white_space_before_a_rare_sign_takes_linear_time(cuts):
    text = " " * 200_000 + "😀"
    assert cuts[1](text) == [(0, len(text))]
    assert len(cuts[1](" \u2003" * 20_000 + "x")) == 40_001


@pytest.mark.slow
def test_every_code_point_is_cut_alike_in_context(cuts):
    six, single = cuts
    points = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000 and (point < 0x3100 or point % 29 == 0)]
    texts = [f"a{chr(point)}b {chr(point)} 数{chr(point)}1 😀{chr(point)} " for point in points]
    assert [text for text in texts if six(text) != single(text)] == []


@given(st.text(st.one_of(st.sampled_from(CLASSES), st.characters()), max_size=30))
def test_any_text_is_cut_alike(cuts, text):
    text = text.encode("utf-8", "ignore").decode()
    assert cuts[0](text) == cuts[1](text)


@pytest.mark.parametrize(("text", "pieces"), [
    ("x = 12\n", ["x", " =", " ", "1", "2", "\n"]),
    ("naïve", ["na", "ï", "ve"]),
    ("证明 a数", ["证明", " a", "数"]),
    ("a  b  ", ["a", " ", " b", "  "]),
    ("😀  7", ["😀  ", "7"]),
    ("“ὀ x”", ["“", "ὀ", " x", "”"]),
])  # fmt: skip
def test_examples(cuts, text, pieces):
    for cut in cuts:
        assert [text[start:end] for start, end in cut(text)] == pieces


def test_the_six_steps_are_those_of_the_deepseek_file(shared_data):
    content = gzip.decompress((shared_data / "tokenizers" / "deepseek-llm.tokenizer.json.gz").read_bytes())
    assert orjson.loads(content)["pre_tokenizer"] == six_steps()


@pytest.mark.slow
def test_real_text_is_cut_alike(shared_data, cuts):
    import io
    import tarfile

    import zstandard

    six, single = cuts
    for name in ("text/cp_algorithms_md.tar.zst", "html/debian_reference_zh.tar.zst"):
        with zstandard.ZstdDecompressor().stream_reader((shared_data / name).read_bytes()) as stream:
            content = io.BytesIO(stream.read())
        with tarfile.open(fileobj=content) as archive:
            members = [member for member in archive if member.isfile()][:40]
            texts = [archive.extractfile(member).read().decode("utf-8", "replace")[:20_000] for member in members]
        assert texts
        assert [text[:80] for text in texts if six(text) != single(text)] == []
