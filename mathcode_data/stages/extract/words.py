"""Sets of names written as one string: long lists of tags and classes stay readable."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a string as a set.

    >>> sorted(words("td th"))
    ['td', 'th']
    """
    return frozenset(text.split())
