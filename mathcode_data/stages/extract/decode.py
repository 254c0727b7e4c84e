"""Bytes of a page to text: byte-order mark > HTTP header > meta element > detection, and which of them won.

A declaration is a claim, not a fact: one that leaves more than 1 % of the characters undecodable is passed over, and
bytes that are valid UTF-8 with multi-byte characters are UTF-8 whatever a legacy declaration says (such bytes are
practically never valid by chance). Stray cp1252 bytes inside UTF-8 are read as cp1252. A claim of Latin letters fails for no bytes, so
it is passed over where they stand in runs and read as another language (`charsets.py`).

A page that is gzip is inflated first (`gzipped.py`).

Normalisation: NUL and other C0 controls except tab, newline and form feed are dropped, CRLF and CR become LF,
the non-characters U+FDD0 and U+FDD1 are dropped (the extractor uses them as marks).
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from encodings.aliases import aliases
from functools import lru_cache
from itertools import islice

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

from mathcode_data.core.config import nearest
from mathcode_data.core.errors import ConfigError
from mathcode_data.stages.extract.charsets import (
    CYRILLIC,
    LATIN,
    SURE,
    best_candidate,
    fit,
    other_chinese,
    other_cyrillic,
    other_latin,
    stands_in_runs,
)
from mathcode_data.stages.extract.gzipped import MAGIC as GZIP_MAGIC
from mathcode_data.stages.extract.gzipped import inflate

_WIDE = ("utf-16", "utf-32", "iso2022", "iso-2022", "hz")  # a control byte may be half a character or switch alphabets
MAX_BAD_SHARE = 0.01
_META_WINDOW = 4096

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with the same bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAGIC = (
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x7fELF", "ELF"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstandard"),
    (b"wOFF", "font"),
    (b"wOF2", "font"),
    (b"OggS", "Ogg"),
    (b"ID3", "MP3"),
)
# The supersets that browsers use for these labels.
_PYTHON_NAMES = {
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "cp949": "cp949",
    "mac-cyrillic": "cp1251",  # what the detector says of short cp1251 texts
    "big5": "big5hkscs",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "windows-1252": "cp1252",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-ukrainian": "mac_cyrillic",
    "x-mac-roman": "mac_roman",
    "x-sjis": "cp932",
    "x-euc-jp": "euc_jp",
    "x-gbk": "gb18030",
    "x-x-big5": "big5hkscs",
    "cn-big5": "big5hkscs",
    "windows-949": "cp949",
    "windows-874": "cp874",
    "dos-874": "cp874",
    "koi8": "koi8_r",
    "koi": "koi8_r",
    **{f"x-cp125{digit}": f"cp125{digit}" for digit in range(9)},
    "ascii": "utf-8",
    "us-ascii": "utf-8",
}
_CHARSET = re.compile(rb"""<meta\b[^>]{0,300}?\bcharset\s{0,4}=\s{0,4}["']?\s{0,4}([A-Za-z0-9_:.-]{2,40})""", re.I)
_XML_ENCODING = re.compile(rb"""^\s{0,16}<\?xml\b[^>]{0,100}?\bencoding\s{0,4}=\s{0,4}["']([A-Za-z0-9_:.-]{2,40})""")
_HEADER_CHARSET = re.compile(r"""charset\s{0,4}=\s{0,4}["']?([A-Za-z0-9_:.-]{2,40})""", re.I)
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_CONTROLS = bytes([*range(0x09), 0x0B, *range(0x0E, 0x20), 0x7F])
_TWICE = re.compile(
    "[Ã-Û][\u0080-\u00bfƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ€‚]|â€[™œ\u009d“”˜¦¢]|Â[\u00a0-\u00bf]|[à-ï][\u0080-\u00bfƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ€‚]{2}"
)
_NO_BYTE = re.compile("[^\x00-\xff]")
_OTHER_SCRIPT = re.compile("[\u0370-\u06ff\u0900-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_MIN_READ, _MIN_TWICE = 20, 3
_ASCII = bytes(range(128))
_BYTES = {ord(bytes([byte]).decode("cp1252", "ignore") or chr(byte)): byte for byte in range(0x80, 0xA0)}  # as browsers read cp1252


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, the name of the encoding, where that name came from, and an error or ""; `damage` says what is wrong with the bytes."""

    text: str
    encoding: str
    source: str
    error: str
    damage: str = ""


def decode(content: bytes, *, content_type: str = "", encoding: str = "") -> Decoded:
    """Decode a page. `encoding` is what the caller knows; it ranks below a byte-order mark only.

    >>> decode("naïve".encode("cp1252"), content_type="text/html; charset=latin-1")
    Decoded(text='naïve', encoding='cp1252', source='header', error='', damage='')
    """
    if content.startswith(GZIP_MAGIC):
        inflated = inflate(content)
        if inflated.error:
            return Decoded("", "", "", inflated.error)
        return replace(_decode(inflated.content, content_type, encoding), damage=inflated.damage)
    return _decode(content, content_type, encoding)


def _decode(content: bytes, content_type: str, encoding: str) -> Decoded:
    kind = next((name for magic, name in _MAGIC if content.startswith(magic)), "")
    if kind:
        return Decoded("", "", "", f"binary: the bytes are {kind}, not a page")
    if not content.strip(b"\x00 \t\r\n"):
        return Decoded("", "", "", f"empty: {len(content)} bytes without a character")
    for mark, name in _BOMS:
        if content.startswith(mark):
            text, bad = _try(content[len(mark) :], name)
            return _finish(text, name, "bom", bad)
    known = _known(encoding)
    if known:  # who names it means it: what cannot be read so is an error, not another encoding
        text, bad = _try(content, known)
        return _finish(text, known, "argument", bad)
    whole = None if content.isascii() else _whole_utf8(content)
    is_utf8 = whole is not None
    best: tuple[str, str, str, float] | None = None
    doubted = ""  # a claim that every text agrees with, and these bytes should not
    for name, source in _claims(content, content_type):
        if is_utf8 and name != "utf-8":
            continue  # valid UTF-8 with multi-byte characters: the claim is wrong
        text, bad = _try(content, name, whole if name == "utf-8" else None)
        if bad <= MAX_BAD_SHARE and _is_doubtful(content, name, bad):
            doubted, bad = doubted or name, 2 * MAX_BAD_SHARE
        if best is None or bad < best[3]:
            best = (text, name, source, bad)
        if bad <= MAX_BAD_SHARE:
            break
    if best is not None and best[3] <= MAX_BAD_SHARE and (other := other_chinese(content, best[0], best[1])):
        best = (_try(content, other)[0], other, "detected", 0.0)
    if best is None or best[3] > MAX_BAD_SHARE:
        name = "utf-8" if is_utf8 or _is_mostly_utf8(content) else _detect(content)
        if (doubted or name in LATIN) and not is_utf8:
            name = _read_as(content, name) or doubted or name
        text, bad = _try(content, name, whole if name == "utf-8" else None)
        if best is None or bad < best[3]:
            best = (text, name, "detected", bad)
    if best[1] != "utf-8" and not best[1].startswith(_WIDE):
        best = _other_letters(content, best)
    return _finish(*best)


def _other_letters(content: bytes, best: tuple[str, str, str, float]) -> tuple[str, str, str, float]:
    """The same bytes in another encoding of Cyrillic or of Latin letters, if they are words only in that one."""
    name = other_cyrillic(content, best[1]) if best[1] in CYRILLIC else ""
    if not name and (best[1] in LATIN or best[2] == "detected"):
        name = other_latin(content)
    return (_try(content, name)[0], name, "detected", 0.0) if name else best


def _is_doubtful(content: bytes, name: str, bad: float) -> bool:
    """True for a claim of Latin letters, or of UTF-8 with some that is none, over bytes that stand in runs as other scripts do."""
    if name in LATIN or (name == "utf-8" and bad and not _is_mostly_utf8(content)):
        return stands_in_runs(content)
    return False


def _read_as(content: bytes, detected: str) -> str:
    """The encoding in which bytes in runs read as a language: the one that was detected, or a better one; "" for none."""
    if not stands_in_runs(content):
        return detected
    if detected not in LATIN and fit(_try(content, detected)[0]) >= SURE:
        return detected
    return best_candidate(content)


def check_encoding(label: str) -> None:
    """Refuse a label that names no encoding; "" stands for none.

    Raises:
        ConfigError: names the label and the nearest one that is known.
    """
    if label and not _known(label):
        labels = {name.replace("_", "-") for name in {*aliases, *aliases.values()} if len(name) > 3 and _known(name)}
        guess = nearest(label.lower().replace("_", "-"), labels)
        hint = guess if guess.startswith("; did") else "; use a label such as utf-8, gb18030, big5, shift-jis, windows-1252 or koi8-r"
        raise ConfigError(f"--encoding {label!r} names no known text encoding{hint}")


def _claims(content: bytes, content_type: str) -> list[tuple[str, str]]:
    """Declared encodings with their origin, best first, unknown names left out."""
    claims = []
    header = _HEADER_CHARSET.search(content_type[:1000])
    head = content[:_META_WINDOW]
    meta = _CHARSET.search(head) or _XML_ENCODING.search(head)
    for label, source in (
        (header[1] if header else "", "header"),
        (meta[1].decode("ascii") if meta else "", "meta"),
    ):
        name = _known(label)
        if name and not (source == "meta" and name.startswith(("utf-16", "utf-32"))):
            claims.append((name, source))  # a meta that could be read as ASCII cannot be in UTF-16
    return claims


@lru_cache(maxsize=1_024)
def _known(label: str) -> str:
    """The name of an encoding as Python has it, "" for none."""
    if not label:
        return ""
    name = _PYTHON_NAMES.get(label.lower()) or str(map_encoding_to_html5(label, False) or label).lower()
    name = _PYTHON_NAMES.get(name, name)
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    return name if info._is_text_encoding and name != "utf-7" else ""


def _whole_utf8(content: bytes) -> str | None:
    """The text of bytes that hold a multi-byte character if they are valid UTF-8, else None; "" if only a character is cut at the end."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        is_cut = error.start >= len(content) - 3 and error.start > 8 and not content[: error.start].isascii()
        return "" if is_cut else None


def _is_mostly_utf8(content: bytes) -> bool:
    """True for UTF-8 with a few stray bytes, far fewer than its own continuation bytes."""
    text = content.decode("utf-8", "surrogateescape")
    num_stray = len(_ESCAPED_BYTE.findall(text))
    return num_stray <= MAX_BAD_SHARE * len(text) and len(content) - len(text) >= 2 * num_stray > 0


def _detect(content: bytes) -> str:
    if content.isascii() and b"\x1b" not in content and b"\x00" not in content[:4096]:
        return "utf-8"
    window = content[:4096]
    if window.count(b"\x00") > len(window) // 8:  # UTF-16 without a mark: one byte of each Latin pair is zero
        return "utf-16-le" if window[1::2].count(b"\x00") >= window[::2].count(b"\x00") else "utf-16-be"
    detected = detect_encoding(content, html5_compatible=False)  # with it, cp949 comes out as UTF-8
    return _known(str(detected or "")) or "cp1252"


def _try(content: bytes, name: str, whole: str | None = None) -> tuple[str, float]:
    """Decode and tell which share of the characters was lost; control bytes are dropped where bytes are characters.

    `whole` is the text, where it is known already.
    """
    if not name.startswith(_WIDE):
        num_bytes = len(content)
        content = content.translate(None, _CONTROLS)
        if whole and len(content) == num_bytes:
            return whole, 0.0
    try:
        return content.decode(name), 0.0
    except UnicodeDecodeError:
        return _repaired(content, name)


def _repaired(content: bytes, name: str) -> tuple[str, float]:
    """Bytes that are not wholly in an encoding: stray cp1252 bytes in UTF-8 are read as such, others are replaced."""
    if name == "utf-8":
        text = content.decode("utf-8", "surrogateescape")
        bad = len(_ESCAPED_BYTE.findall(text))
        text = _ESCAPED_BYTE.sub(_cp1252, text)
    else:
        text = content.decode(name, "replace")
        bad = text.count("\ufffd")
    return text, bad / max(1, len(text))


def _cp1252(match: re.Match[str]) -> str:
    return bytes([ord(match[0]) - 0xDC00]).decode("cp1252", "replace")


def _finish(text: str, name: str, source: str, bad: float) -> Decoded:
    if bad > MAX_BAD_SHARE:
        return Decoded("", name, source, f"encoding: {bad:.1%} of the characters cannot be read as {name}")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        if _may_be_twice(text):
            text, lost = _undo_twice(text)
            if lost > MAX_BAD_SHARE:
                return Decoded("", name, source, f"encoding: encoded twice, and {lost:.1%} of the characters were lost on the way")
        if "\ufdd0" in text or "\ufdd1" in text:  # to look is thirty times as fast as to replace
            text = text.replace("\ufdd0", "").replace("\ufdd1", "")
    if name.startswith(_WIDE):
        text = text.translate(dict.fromkeys(_CONTROLS))
    return Decoded(text, name, source, "")


def _may_be_twice(text: str) -> bool:
    """A look at the characters beyond ASCII first: a pattern over the whole page would cost more than its decoding."""
    beyond = text.encode("utf-8", "surrogatepass").translate(None, _ASCII).decode("utf-8", "surrogatepass")
    if len(_TWICE.findall(beyond[:4_000])) < _MIN_TWICE:
        return False
    return sum(1 for _ in islice(_TWICE.finditer(text), _MIN_TWICE)) == _MIN_TWICE


def _undo_twice(text: str) -> tuple[str, float]:
    """UTF-8 read as cp1252 or Latin-1 and encoded again, and which share of its characters is lost.

    It is undone if the whole text agrees; or if the text is in another script than Latin but for bytes that were lost when it was
    read in an encoding that has no character for them.
    """
    read = text.translate(_BYTES)
    found = _NO_BYTE.sub("\xff", read).encode("latin-1").decode("utf-8", "replace")
    num_lost = found.count("\ufffd") - read.count("\xef\xbf\xbd")  # the sign for a lost character may itself be encoded twice
    if num_lost == 0:
        return found, 0.0
    num_read = len(_OTHER_SCRIPT.findall(found))
    if num_read < _MIN_READ or 2 * num_read < num_lost or _OTHER_SCRIPT.search(text):
        return text, 0.0
    return found, num_lost / len(found)
