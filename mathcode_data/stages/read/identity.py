"""Names of documents that come from other people's files."""

from __future__ import annotations

import hashlib

from mathcode_data.core.documents import document_id


def foreign_id(source: str, given: str | int | None, url: str, text: str) -> str:
    """Id of a document: by the identity its file gives it, else by its URL, else by its text.

    The three cannot be taken for one another: each bears its kind.

    >>> foreign_id("notes", 7, "", "a") == foreign_id("notes", 7, "https://example.org", "b")
    True
    """
    if given is not None:
        return document_id(source, f"id {given}")
    if url:
        return document_id(source, f"url {url}")
    return document_id(source, f"text {hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}")
