"""Texts on which back ends are compared: written to be hard, and the same for every tokenizer.

A back end that cuts texts otherwise than Hugging Face, or knows another Unicode, or takes control tokens from text, differs
on one of these. They are about 80 KB, so that comparing takes a fraction of a second.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from mathcode_data.stages.learn.pretokenize import DIGITS_CLASS, class_points

MAX_ADDED_TOKENS = 5000

TEXTS = (
    "", " ", "\n", "  \n\n  ", "\r\n\r\n \r x\r", "\t\t# tab\t \tx\n", "def f(x):\n\treturn x ** 2  # 12345\n",
    "for (int i = 0; i < n; ++i) { a[i] += 1; }\r\n", "<html><p class=\"a\">&nbsp;</p></html>\n<!-- x -->", "#!/bin/sh\nexit $?\n",
    '{"key": [1.5e-10, null, true], "\\u00e9": "\\n"}', "SELECT * FROM t WHERE a>=10 AND b<>'x''y';--",
    "0x1F 1_000_000 3.14159 1,234.5 007 1e9",
    r"Let \(\frac{a}{b} = \sqrt{2}\) and \[\sum_{i=1}^{100} i = 5050.\]",
    r"$$\int_0^\infty e^{-x^2}\,dx = \frac{\sqrt\pi}{2}$$ \begin{align}a&=b\\c&\le d\end{align}",
    "∀ε>0 ∃δ>0: |x−a|<δ ⇒ |f(x)−f(a)|<ε; ℝ⊂ℂ, ∑∏∫∂∇≠≤≥±×÷⋅√∞ 𝔸𝕏𝒻𝛼 x₁²ⁿ ½⅓ Ⅷ ① ㉑",
    "naïve café Ångström ø ÿ ß ẞ ſ ﬁ ǅ İ ı ŉ ΐ ᾳ ῼ", "證明：設 ε > 0，則 n ∈ ℕ。证明完毕！（见第12页）「引用」『書』、々〆〇",
    "日本語のテキスト、カタカナ・ひらがな。ﾊﾝｶｸ ＡＢＣ１２３！～",
    "한국어 문장입니다. ㄱㄴㄷ ᄒᆞᆫ글", "नमस्ते १२३ क्षत्रिय ज़", "السلام عليكم ١٢٣ ۴۵۶ ـــ لا إله", "שלום עולם וְהָיָה", "ไทยภาษา ๑๒๓ ก็",
    "தமிழ் ௧௨ மலையாளം ൧ ಕನ್ನಡ ತೆಲುಗು",
    "ქართული ᲐᲑ Ⴀ Հայերեն Ελληνικά ἀρχή Кириллица Ѐ Ꙁ Ꭰꭰ ⲁⲂ 𐐀𐐨 𞤀𞤢", "ⵜⴰⵎⴰⵣⵉⵖⵜ ᚠᚢ 𐎀 𓀀 𒀀 ꦗꦮ ᠮᠣᠩ ༄༅ བོད་ ខ្មែរ မြန်မာ አማርኛ",
    "😀 👩‍👩‍👧‍👦 🏳️‍🌈 🇫🇷🇩🇪 👍🏽 ❤️ ☃ ⌚ #️⃣ 🧑🏿‍🚀", "e\u0301 a\u0308\u0323 \u0301x Z\u0351\u036b\u0343 \u200d\u200c \u034f q\u0307\u0323",
    "\u200b\u00ad\ufeff\u2060\u180ex\u061c\u200e\u202e",
    " \u00a0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000x \u3000\u3000“x”\u2003y\u0085z\u000b\u000c\u001c\u001f",
    "\x00\x01\x7f\x80\x9f a\x00b", "\ue000\uf8ff \U000f0000 \U0010fffd",
    "\u0378\u05ff\ufdd0\ufffe\uffff\U0001fbff\U000e0001\U0010ffff \ufffd",
    "don't I'LL we've 'tis he'd o'clock 'S 'ſ 'Re it''s", "“quoted” ‘single’ — dash … «guillemets» ¿qué? ¡no!",
    "https://example.org/a_b?c=%20#d user@host.tld C:\\Users\\x",
    "camelCase snake_case SCREAMING_CASE kebab-case __init__ x1y2z3", "==== ---- **** ____ ~~~~ ++++ //// \\\\\\\\ .... !!!! ((((",
    "----\n====\n\n\n***\n   \n\t\n",
    "a" * 300, "!" * 300, " " * 300, "\n" * 300, "9" * 300, "数" * 300, "\t" * 200, " \n" * 150, "ab" * 2000, "é" * 500, "\u2003" * 90,
    "<|endoftext|><|bos|><|eos|><|pad|><|im_start|><|im_end|><｜end▁of▁sentence｜><｜begin▁of▁sentence｜><|fim_prefix|><｜fim▁hole｜>",
    "[PAD100016] <pad> <s> </s> <unk> <mask> [CLS] [SEP] [INST] <<SYS>> <|start_header_id|> <|eot_id|> <bos> <eos> ▁ ▁▁x Ġ Ċ",
)  # fmt: skip
"""Code, mathematics, many scripts, emoji, marks, white space, control characters, words without end, look-alikes of special tokens."""

BORDER_SIGNS = (
    "a", "Z", "é", "ß", "ǅ", "ἀ", "Ⴀ", "ა", "中", "か", "क", "\u0940", "한", "א", "5", "५", "²", "Ⅷ", "〇", "!", "'", "_", "«", "“", "。",
    "！", "Ａ", "１", "+", "€", "☃", "😀",
    "\u0301", "\u200d", " ", "\t", "\n", "\r", "\x0b", "\u0085", "\u00a0", "\u2003", "\u2028", "\u3000", "\u200b", "\ufeff", "\x00",
    "\x1c", "\ue000", "\u0378", "▁",
)  # fmt: skip
"""One or two of every class of characters that some pre-tokenizer tells apart."""

LONG_UNITS = (
    "word " * 400, "x = 1;\n" * 300, "a" * 1500, " " * 200, "!" * 1300, "中文" * 700, "\n" * 200, " \u2003" * 80 + "☃",
    "1234567890" * 130, "\r\n" * 100, "“”" * 400, "\u3000" * 200, "é☃ " * 300, "for x in range(10):\n        print(x)\n" * 60,
)  # fmt: skip
"""Put together they make texts long enough for the ways that libraries keep for long texts (threads, chunks)."""


def probe_texts(added_tokens: Sequence[str]) -> list[str]:
    """All texts: TEXTS, pairs of border signs, digits of every script, a long text, and the tokens added to the vocabulary.

    >>> texts = probe_texts(["<x>"])
    >>> texts[-1], sum(len(text) > 16_384 for text in texts)
    ('a <x> b', 1)
    """
    pairs = [f"{one}{two}{one}" + "".join(f" {one}{two}x" for two in BORDER_SIGNS) for one, two in itertools.pairwise(BORDER_SIGNS)]
    triples = [
        "".join(f"{one}{two}{three}" for two in BORDER_SIGNS for three in (one, " ", "b"))
        for one in BORDER_SIGNS[:: len(BORDER_SIGNS) // 16]
    ]
    added = [f"a {token} b" for token in added_tokens[:MAX_ADDED_TOKENS]]
    return [*TEXTS, *pairs, *triples, *_digits(), _long_text(), *added]


def _digits() -> Iterator[str]:
    """Every number character, between signs that keep it apart from its neighbours."""
    numbers = sorted(map(chr, class_points(DIGITS_CLASS)))
    for start in range(0, len(numbers), 200):
        yield "☃".join(f"{number}{number} {number}a" for number in numbers[start : start + 200])


def _long_text() -> str:
    return "".join(f"{unit}{number}. end\n" if number % 3 else unit for number, unit in enumerate(LONG_UNITS * 2))
