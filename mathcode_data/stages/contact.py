"""Who answers for our requests: the one rule for a contact, and the name and contact that stand in every request.

`crawl.focused` and `read.common_crawl` refuse to ask a host of others without a contact that reaches somebody. What cannot
reach anybody is refused as well: names that are reserved for examples and tests, and single words such as `me` or `localhost`.
"""

from __future__ import annotations

import re

from mathcode_data import __version__
from mathcode_data.core.errors import ConfigError

AGENT = "mathcode-data"
"""Our name in requests and in robots.txt."""
CONTACT = re.compile(r"https?://[^\s/@]+\.[^\s/@.]{2,}(?:/\S*)?|[^\s@/]+@[^\s@/]+\.[^\s@/.]{2,}", re.ASCII)
NOBODY = re.compile(r"[/@.](?:example\.(?:com|org|net)|[^/@.]+\.(?:example|invalid|test|localhost))(?:[/:]|$)", re.IGNORECASE)


def contact_parts(contact: str, where: str) -> list[str]:
    """Web pages and e-mail addresses of a contact; commas, semicolons and blanks part them.

    Raises:
        ConfigError: there is none, or one of them reaches nobody; `where` names the stage.

    >>> contact_parts("https://maths.org/bot, bot@maths.org", "crawl.focused")
    ['https://maths.org/bot', 'bot@maths.org']
    """
    parts = contact.replace(",", " ").replace(";", " ").split()
    wrong = [part for part in parts if not part.isascii() or not CONTACT.fullmatch(part) or NOBODY.search(part)]
    if not parts or wrong:
        found = f"{wrong[0]!r} reaches nobody" if wrong else "there is none"
        raise ConfigError(
            f"{where}: contact: {found}; give a web page or an e-mail address of yours (in ASCII), as in "
            "contact: https://maths.your-university.edu/crawler; it stands in every request, so that hosts can reach you, and nothing is "
            "fetched without it"
        )
    return parts


def user_agent(contact: str, where: str) -> str:
    """Name and contact, as hosts see them.

    Raises:
        ConfigError: as `contact_parts`.

    >>> user_agent("bot@maths.org; https://maths.org/bot", "crawl.focused").partition(" ")[2]
    '(+https://maths.org/bot; bot@maths.org)'
    """
    parts = contact_parts(contact, where)
    links = [f"+{part}" for part in parts if "://" in part]
    return f"{AGENT}/{__version__} ({'; '.join([*links, *(part for part in parts if '://' not in part)])})"
