"""The form in which text enters the documents: what is normalised, what is replaced, and what is left alone.

- `\\r\\n` becomes `\\n`; other white space stays, tabs and trailing blanks too;
- a byte order mark at the beginning and NUL characters go;
- lone surrogates become U+FFFD (fastText and the tokenizers raise on them);
- NFC, never NFKC: compatibility forms carry meaning in mathematics;
- bidirectional controls and private-use characters stay.
"""

from __future__ import annotations

import re
import unicodedata

SURROGATE = re.compile("[\ud800-\udfff]")
MAX_REPLACED_SHARE = 0.01


def clean_text(text: str) -> tuple[str, int]:
    """Normalise a text. Returns it with the number of lone surrogates that were replaced.

    >>> clean_text("\\ufeffa\\r\\nb\\x00\\ud800")
    ('a\\nb\\ufffd', 1)
    """
    num_replaced = 0
    if text.isascii():
        return text.replace("\r\n", "\n").replace("\0", ""), 0
    text, num_replaced = SURROGATE.subn("\ufffd", text.removeprefix("\ufeff"))
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\0", "")), num_replaced


def decode_utf8(content: bytes) -> tuple[str, int] | None:
    """Decode as UTF-8, replacing what is no UTF-8. Returns the text and the number of replacements.

    None if more than 1 % of the characters had to be replaced: then it is another encoding, or no text.

    >>> decode_utf8(b"abc"), decode_utf8(b"\\xff\\xfe\\xff")
    (('abc', 0), None)
    """
    try:
        return content.decode("utf-8"), 0
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace")
    num_replaced = text.count("\ufffd") - content.count("\ufffd".encode())
    return None if num_replaced > MAX_REPLACED_SHARE * len(text) else (text, num_replaced)
