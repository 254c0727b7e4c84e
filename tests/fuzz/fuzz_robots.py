"""robots.txt: any bytes give rules or a refusal, and what was read survives the frontier."""

import orjson

from mathcode_data.stages.crawl.robots import read_robots, robots_from_json


def seeds() -> list[bytes]:
    return [
        b"User-agent: *\nDisallow: /private\nAllow: /private/ok$\nCrawl-delay: 5\n",
        b"\xef\xbb\xbfUser-Agent: mathcode-data/1.0\r\nDisallow: /*?id=\r\nContent-Signal: ai-train=no\r\nSitemap: https://a.example/s.xml\r\n",
        "User-agent: *\nDisallow: /\n".encode("utf-16"),
        b"<html><body><pre>User-agent: *\nDisallow: /a\n</pre></body></html>",
        b"Request-rate: 1/5\nVisit-time: 0600-0845\nuser-agent:*\ncrawl-delay: nan\ndisallow:\n",
    ]


def read(data: bytes) -> None:
    robots = read_robots(200, data)
    again = robots_from_json(orjson.loads(orjson.dumps(robots.to_json())))
    for url in ("https://a.example/", "https://a.example/private/ok?id=3", "https://a.example/%zz/\u6570"):
        assert robots.allows(url) == again.allows(url), url
