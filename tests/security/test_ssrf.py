"""No address that a page, a redirect, a robots.txt or a name server gives leads to a machine inside."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("aiohttp", reason="the extra 'web' is not installed")

from mathcode_data.stages.crawl.canonical import canonical_url
from mathcode_data.stages.crawl.fetch import Fetcher, FetchError
from mathcode_data.stages.crawl.limits import Limits

SPELLINGS = [
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
    "http://127.0.0.1./", "http://0/",
    "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/",
    "http://[fe80::1]/", "http://[fd00::1]/",
    "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.0.1/", "http://100.64.0.1/", "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/", "http://[fd00:ec2::254]/", "http://168.63.129.16/", "http://localhost/", "http://LOCALHOST/",
    "http://\uff11\uff12\uff17.0.0.1/", "http://\u2460\u2461\u2466.0.0.1/",
]  # fmt: skip
NO_WEB_ADDRESS = [
    "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "ftp://127.0.0.1/", "dict://127.0.0.1:11211/",
    "unix:///run/docker.sock", "//127.0.0.1/x",
    "data:text/html,x", "javascript:alert(1)", "http://a.example\r\nHost: 127.0.0.1/", "http://a.example:99999/",
]  # fmt: skip


def test_nothing_that_a_crawl_is_given_leads_inside(tmp_path: Path):
    """Either the address is no web address, or the connection is refused; in no spelling is one made."""

    async def ask() -> dict[str, str]:
        outcomes = {}
        async with Fetcher(Limits(page_timeout_s=3), "test", tmp_path) as fetcher:
            for url in SPELLINGS:
                try:
                    canonical = canonical_url(url)
                except ValueError as error:
                    outcomes[url] = f"no address: {error}"
                    continue
                try:
                    await fetcher.get(canonical)
                    outcomes[url] = "CONNECTED"
                except FetchError as error:
                    outcomes[url] = error.reason
        return outcomes

    found = asyncio.run(ask())
    assert len(found) == len(SPELLINGS)
    assert {
        url: why
        for url, why in found.items()
        if not why.startswith("no address") and "private" not in why and "metadata" not in why and "nat64" not in why
    } == {}


@pytest.mark.parametrize("url", NO_WEB_ADDRESS)
def test_what_is_no_web_address_is_not_asked_for(url: str):
    with pytest.raises(ValueError, match=r".+"):
        canonical_url(url)
