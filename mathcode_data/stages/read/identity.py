"""Names of documents that come from other people's files."""

from __future__ import annotations

import hashlib

from mathcode_data.core.documents import document_id


def foreign_id(source: str, given: str | int | None, url: str, text: str) -> str:
    """Id of a document: by what its file calls it (an identity, a URL) together with its text.

    Files count their rows anew, and one address is fetched twice: names of others are often not unique. So the text is always
    part of the id, and equal ids mean equal documents, in whatever files they lie and however the input is cut into files.
    Such copies are kept as they are (`dedup.exact` removes them); a document whose text is edited is another document.

    >>> foreign_id("notes", 7, "", "a") == foreign_id("notes", 7, "", "b")
    False
    >>> foreign_id("notes", 7, "", "a") == foreign_id("notes", "7", "https://example.org", "a")
    True
    """
    name = f"id {given}" if given is not None else f"url {url}" if url else ""
    content = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return document_id(source, f"{name}\ntext {content}" if name else f"text {content}")
