"""Which encoding wins, and that text survives it."""

from __future__ import annotations

import gzip
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.stages.extract.decode import decode

CHINESE = "设群作用于集合，则轨道的长度整除群的阶。这是一个很有用的定理。"
RUSSIAN = "Это русский текст про теорему Пифагора. Мы докажем её здесь."


def test_byte_order_mark_beats_everything() -> None:
    found = decode(b"\xef\xbb\xbf" + "é".encode(), content_type="text/html; charset=gbk", encoding="koi8-r")
    assert (found.text, found.encoding, found.source) == ("é", "utf-8", "bom")


def test_header_beats_meta() -> None:
    content = b"<meta charset=koi8-r>" + RUSSIAN.encode("cp1251")
    found = decode(content, content_type="text/html; charset=windows-1251")
    assert (found.encoding, found.source) == ("cp1251", "header")
    assert RUSSIAN in found.text


def test_meta_beats_detection() -> None:
    found = decode(b'<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">' + RUSSIAN.encode("koi8-r"))
    assert (found.encoding, found.source) == ("koi8-r", "meta")
    assert RUSSIAN in found.text


def test_wrong_declaration_is_passed_over() -> None:
    found = decode(b"<meta charset=gbk>" + CHINESE.encode("gbk"), content_type="text/html; charset=utf-8")
    assert (found.encoding, found.source) == ("gb18030", "meta")
    assert CHINESE in found.text
    latin = decode(CHINESE.encode(), content_type="text/html; charset=iso-8859-1")
    assert (latin.text, latin.encoding, latin.source) == (CHINESE, "utf-8", "detected")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CHINESE, "gb18030"),
        ("設群作用於集合，則軌道的長度整除群的階。這是一個很有用的定理。", "big5"),
        ("これは日本語のページです。定理を証明します。ひらがなとカタカナ。", "shift_jis"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        ("한국어 페이지입니다. 수학 이야기와 정리 그리고 증명을 다룹니다. " * 3, "euc-kr"),
        ("plain text " * 10, "utf-16-le"),
        ("plain text " * 10, "utf-16-be"),
        ("naïve “quotes” — dash", "cp1252"),
    ],
)
def test_undeclared_encodings_are_detected(text: str, encoding: str) -> None:
    found = decode(text.encode(encoding))
    assert (found.text, found.source, found.error) == (text, "detected", "")


def test_stray_bytes_in_utf8_are_read_as_cp1252() -> None:
    assert decode(("é" * 200).encode() + b"\x93x\x94", content_type="charset=utf-8").text == "é" * 200 + "“x”"


def test_utf8_encoded_twice_is_undone() -> None:
    text = "Gödel, Erdős — naïve: ä ö ü"
    assert decode("Gödel, naïve: ä ö ü".encode().decode("cp1252").encode()).text == "Gödel, naïve: ä ö ü"
    assert decode(text.encode()).text == text


@pytest.mark.parametrize("through", ["cp1252", "latin-1"])
@pytest.mark.parametrize("text", [RUSSIAN, "Το τελος του ορίου", "גבול הסדרה", "เพราะว่า"])
def test_other_scripts_encoded_twice_are_undone(text: str, through: str) -> None:
    twice = "".join(bytes([byte]).decode(through, "ignore") or chr(byte) for byte in text.encode()).encode()
    assert decode(twice).text == text
    assert decode(text.encode()).text == text


def test_cut_gzip_is_read_as_far_as_it_goes() -> None:
    packed = gzip.compress(b"<p>" + bytes(range(32, 120)) * 400)
    found = decode(packed[: len(packed) - 20])
    assert found.text.startswith("<p> !")
    assert re.fullmatch(r"gzip: the file ends too early, [\d,]+ bytes of the page were read", found.damage)
    assert decode(packed).damage == ""


def test_gzip_with_a_wrong_checksum_is_read_whole_and_says_so() -> None:
    packed = bytearray(gzip.compress(b"<p>some words of a page</p>"))
    packed[-6] ^= 1
    assert decode(bytes(packed)).text == "<p>some words of a page</p>"
    assert decode(bytes(packed)).damage == "gzip: the file is damaged (incorrect data check), 27 bytes of the page were read"


def test_gzip_of_several_members_is_one_page_and_garbage_behind_it_is_named() -> None:
    packed = gzip.compress(b"<p>one ") + gzip.compress(b"page</p>")
    assert (decode(packed).text, decode(packed).damage) == ("<p>one page</p>", "")
    assert decode(packed + b"\0" * 512).damage == ""
    assert decode(packed + b"more").damage.startswith("gzip: 4 bytes behind the end are no gzip")


def test_gzip_out_of_which_nothing_comes_is_an_error_and_so_is_a_bomb() -> None:
    assert decode(gzip.compress(b"page")[:9]).error == "gzip: the file ends too early, and nothing could be read"
    assert decode(b"\x1f\x8bnothing of the kind").error.startswith("gzip: the file is damaged (")
    bomb = gzip.compress(bytes(1 << 20)) * 40
    assert decode(bomb).error == f"limit: gzip of {len(bomb):,} bytes holds more than 33,554,432"


def test_mojibake_above_one_percent_is_refused() -> None:
    found = decode(b"\x81\x8d\x8f\x90\x9d" * 40, content_type="charset=cp1252")
    assert (found.text, found.error) == ("", "encoding: 100.0% of the characters cannot be read as cp1252")


def test_nul_controls_and_carriage_returns_are_normalised() -> None:
    assert decode(b"a\x00b\x07c\r\nd\re").text == "abc\nd\ne"


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="\ufeff\ufffe"), min_size=1, max_size=60))
def test_utf8_text_survives(text: str) -> None:
    if not text.strip("\x00 \t\r\n") or "Ã" in text or "â€" in text or "Â" in text:
        return
    assert decode(text.encode(), content_type="text/html; charset=utf-8").text == text


def test_an_encoding_that_is_asked_for_is_used_or_refused_but_never_another() -> None:
    chinese = "设 G 是一个群，证明它的阶是素数。" * 5
    found = decode(chinese.encode("gb18030"), content_type="text/html; charset=utf-8", encoding="gb18030")
    assert (found.text, found.source) == (chinese, "argument")
    assert decode(chinese.encode("gb18030"), encoding="utf-8").error.startswith("encoding: ")
    assert decode(chinese.encode("utf-8"), encoding="ascii").text == chinese  # browsers read that label as a superset, and so do we


def _through_cp1252(text: str, *, lost: str) -> bytes:
    """UTF-8 read as cp1252 by a program that writes `lost` for the five bytes without a character, and encoded again."""
    return "".join(bytes([byte]).decode("cp1252", "ignore") or lost for byte in text.encode()).encode()


def test_chinese_encoded_twice_with_a_few_lost_bytes_is_read_and_the_lost_are_marked() -> None:
    text = "<p>设函数在区间上连续，则它有最大值。</p>" * 60 + "<p>极大</p>"  # 极 has a byte without a character in cp1252
    decoded = decode(_through_cp1252(text, lost="\ufffd"))
    lost = decoded.text.count("\ufffd")
    assert decoded.error == ""
    assert 0 < lost <= 0.01 * len(decoded.text)
    assert decoded.text.count("函数在区") == 60


def test_chinese_encoded_twice_of_which_much_is_lost_is_refused_and_says_so() -> None:
    decoded = decode(_through_cp1252("<p>" + "定理证明函数极限连续导数积分" * 40 + "</p>", lost="\ufffd"))
    assert decoded.error.startswith("encoding: encoded twice")


@pytest.mark.parametrize(("label", "codec", "text"), [
    ("x-mac-cyrillic", "mac_cyrillic", "Порядок подгруппы делит порядок конечной группы, что следует из разбиения на классы. "),
    ("x-mac-ukrainian", "mac_cyrillic", "Порядок підгрупи ділить порядок скінченної групи, що випливає з розбиття на класи. "),
    ("x-cp1251", "cp1251", "Порядок подгруппы делит порядок конечной группы, что следует из разбиения на классы. "),
    ("koi8", "koi8_r", "Порядок подгруппы делит порядок конечной группы, что следует из разбиения на классы. "),
    ("x-sjis", "cp932", "数学の定理とその証明について説明します。群の位数は部分群の位数で割り切れる。"),
    ("x-euc-jp", "euc_jp", "数学の定理とその証明について説明します。群の位数は部分群の位数で割り切れる。"),
    ("x-gbk", "gb18030", "有限群的子群的阶整除群的阶，这由陪集分解得出。"),
    ("cn-big5", "big5hkscs", "有限群的子群的階整除群的階，這由陪集分解得出。"),
    ("windows-874", "cp874", "อันดับของกรุปย่อยหารอันดับของกรุปลงตัว "),
    ("x-mac-roman", "mac_roman", "La vérité, créée à côté des élèves, répétée là où il le faut. "),
])  # fmt: skip
@pytest.mark.parametrize("is_asked", [False, True])
def test_labels_that_browsers_know_and_python_does_not(label: str, codec: str, text: str, is_asked: bool) -> None:
    page = f'<html><head><meta charset="{label}"></head><body><p>{text * 3}</p></body></html>'.encode(codec)
    found = decode(page, content_type="", encoding=label if is_asked else "")
    assert text * 3 in found.text
    assert not found.error
