"""What readers wrote below an article: comment sections, told by their names.

One such section below an article is left out if no formula stands in it; where a page has several (a list of comments under
each answer) or is a forum, they are the page itself and stay.
"""

from __future__ import annotations

import re
from functools import lru_cache

_COMMENTS = re.compile(
    r"comments|(?:article-?|post-?|blog-?)?comments?-?(?:area|list|section|wrapper|container|block|box|thread|content)|(?:article|post|blog)-?comments?"
    r"|disqus_thread|kommentare|kommentar-?(?:liste|bereich)|comentarios|commentaires"
)
_FORUM = re.compile(r"topic|discussion|board|forum|js-comments", re.I)


@lru_cache(maxsize=8_192)
def is_comments(classes: str, identifier: str) -> bool:
    """True for the block below an article that holds what its readers wrote; the posts of a forum are the page itself."""
    return _FORUM.search(classes) is None and any(
        _COMMENTS.fullmatch(token) is not None for token in (*classes.lower().split(), identifier.lower())
    )
