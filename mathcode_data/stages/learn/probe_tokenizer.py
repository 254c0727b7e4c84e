"""Load a `tokenizer.json` and try it: what the child process does before anything else opens the file.

Imports as little as it can: the child's start is part of every run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathcode_data.core.errors import DataError


def probe(request: dict[str, Any]) -> dict[str, Any]:
    """Load the tokenizer at `path` and encode `texts`, and texts with each of its first `max_added` added tokens.

    Raises:
        DataError: a special id came from a text.
    """
    import tokenizers

    path = Path(request["path"])
    tokenizer = tokenizers.Tokenizer.from_str(path.read_text(encoding="utf-8"))
    tokenizer.encode_special_tokens = True
    tokenizer.no_truncation()
    tokenizer.no_padding()
    added = sorted(tokenizer.get_added_tokens_decoder().items())
    special = {token.content: int(number) for number, token in added if token.special}
    texts = [*request["texts"], *(f"a {token.content} b" for _, token in added[: request["max_added"]])]
    numbers, is_lossless = set(special.values()), True
    for text, encoding in zip(texts, tokenizer.encode_batch_fast(texts, add_special_tokens=False), strict=True):
        ids = encoding.ids
        if not numbers.isdisjoint(ids):
            found = next(number for number in ids if number in numbers)
            raise DataError(
                f"{path.name}: the text {text[:60]!r} becomes the special id {found}; a document could forge a control token, "
                "so this tokenizer is not used; choose another one"
            )
        is_lossless = is_lossless and tokenizer.decode(ids, skip_special_tokens=False) == text
    return {
        "vocab_size": tokenizer.get_vocab_size(),
        "max_id": max(tokenizer.get_vocab(with_added_tokens=True).values()),
        "special_tokens": special,
        "is_lossless": is_lossless,
    }
