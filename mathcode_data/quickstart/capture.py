"""A small real crawl of the quickstart's site: HTTP over the loopback, breadth first, into WARC files.

A server on 127.0.0.1 plays the three hosts by the Host header. The crawler obeys robots.txt, follows links and redirects
within a host, and records what came back under the public names (`http://crawl.example/...`). Dates, record ids and the
order of records follow from the site, so the same seed gives the same WARC bytes.
"""

import hashlib
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

from selectolax.lexbor import LexborHTMLParser
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.storage import atomic_writer
from mathcode_data.quickstart.site import Site, SitePage

LOOPBACK = "127.0.0.1"
USER_AGENT = "mathcode-quickstart"
WARC_DATE = "2024-01-01T00:00:00Z"
FILES_PER_HOST = 2
TIMEOUT_S = 20.0
_REASONS = {200: "OK", 301: "Moved Permanently", 404: "Not Found"}


@dataclass(frozen=True)
class Fetch:
    """What the server answered for one address."""

    url: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The value of a header, or "" if it was not sent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


def capture_site(site: Site, folder: Path, *, max_pages: int | None = None) -> list[Path]:
    """Crawl every host of the site and write `HOST-00000.warc.gz`, `HOST-00001.warc.gz`.

    Args:
        site: what to serve.
        folder: where the WARC files go; files of these names are replaced.
        max_pages: stop each host after this many fetched addresses, robots.txt included; None for no bound.

    Returns:
        The files, host by host in the order of the site, and in page order within a host.

    Raises:
        ConfigError: `max_pages` is not positive.
        DataError: a host's robots.txt could not be read, so nothing of it may be fetched.
    """
    if max_pages is not None and max_pages < 1:
        raise ConfigError(f"max_pages is {max_pages}; it must be at least 1, or None for the whole site")
    paths: list[Path] = []
    with _serve(site) as port:
        for host in site.hosts:
            fetches = _crawl(host, port, max_pages)
            share = -(-len(fetches) // FILES_PER_HOST)
            for index in range(FILES_PER_HOST):
                path = folder / f"{host}-{index:05d}.warc.gz"
                _write_warc(path, fetches[index * share : (index + 1) * share])
                paths.append(path)
    return paths


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, pages: dict[tuple[str, str], SitePage]) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.pages = pages


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes; with Nagle each page takes 40 ms
    server: _Server

    def do_GET(self) -> None:
        """Answer with the page of this host and path; headers are the same at every time and place."""
        host = self.headers.get("Host", "").removesuffix(".example")
        page = self.server.pages.get((host, self.path))
        status, body = (page.status, page.content) if page else (404, b"<!DOCTYPE html><title>Not found</title>")
        self.send_response_only(status, _REASONS[status])
        self.send_header("Content-Type", page.content_type if page else "text/html")
        self.send_header("Content-Length", str(len(body)))
        if page and page.location:
            self.send_header("Location", page.location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Say nothing: a thousand lines of access log help nobody."""


@contextmanager
def _serve(site: Site) -> Iterator[int]:
    """Run the server in a thread; gives its port."""
    server = _Server({(page.host, page.path): page for page in site.pages})
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _crawl(host: str, port: int, max_pages: int | None) -> list[Fetch]:
    """Fetch a host breadth first from its home page: one connection, one request at a time."""
    connection = HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_S)
    root = f"http://{host}.example"
    try:
        robots_file = _fetch(connection, f"{root}/robots.txt")
        robots = _read_robots(robots_file)
        fetches, queue, seen = [robots_file], deque([f"{root}/"]), {f"{root}/robots.txt", f"{root}/"}
        while queue and (max_pages is None or len(fetches) < max_pages):
            url = queue.popleft()
            if not robots.can_fetch(USER_AGENT, url):
                continue
            answer = _fetch(connection, url)
            fetches.append(answer)
            for link in _links(answer):
                if link not in seen and urlsplit(link).netloc == f"{host}.example":
                    seen.add(link)
                    queue.append(link)
    finally:
        connection.close()
    return fetches


def _read_robots(answer: Fetch) -> RobotFileParser:
    """The rules of a host; rules which cannot be read forbid everything."""
    if answer.status != 200:
        raise DataError(
            f"{answer.url}: status {answer.status} instead of 200; without its rules no page of the host may be "
            "fetched, so give the site a robots.txt"
        )
    robots = RobotFileParser(answer.url)
    robots.parse(answer.body.decode("utf-8", "replace").splitlines())
    return robots


def _fetch(connection: HTTPConnection, url: str) -> Fetch:
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.request("GET", target, headers={"Host": parts.netloc, "User-Agent": USER_AGENT})
    response = connection.getresponse()
    body = response.read()
    return Fetch(url, response.status, response.reason, tuple(response.getheaders()), body)


def _links(answer: Fetch) -> Iterator[str]:
    """Absolute addresses of the links of a page, in page order, and the target of a redirect."""
    location = answer.header("Location")
    if location:
        yield urljoin(answer.url, location)
    if not answer.body or not answer.header("Content-Type").startswith("text/html"):
        return
    for node in LexborHTMLParser(answer.body).css("a[href]"):
        target = urljoin(answer.url, node.attributes.get("href") or "")
        if target.startswith("http"):
            yield target.partition("#")[0]


def _write_warc(path: Path, fetches: list[Fetch]) -> None:
    """One gzip member for each record: a warcinfo, then the responses."""
    with atomic_writer(path) as file:
        writer = WARCWriter(file, gzip=True, warc_version="1.1")
        info = b"software: mathcode-data quickstart\r\nformat: WARC File Format 1.1\r\nrobots: obey\r\n"
        headers = {"WARC-Record-ID": _record_id(path.name, info), "WARC-Date": WARC_DATE, "WARC-Filename": path.name}
        writer.write_record(writer.create_warc_record("", "warcinfo", payload=BytesIO(info), length=len(info), warc_headers_dict=headers))
        for fetch in fetches:
            http = StatusAndHeaders(f"{fetch.status} {fetch.reason}", list(fetch.headers), protocol="HTTP/1.1")
            headers = {"WARC-Record-ID": _record_id(fetch.url, fetch.body), "WARC-Date": WARC_DATE}
            writer.write_record(
                writer.create_warc_record(
                    fetch.url, "response", payload=BytesIO(fetch.body), length=len(fetch.body), warc_headers_dict=headers, http_headers=http
                )
            )


def _record_id(name: str, content: bytes) -> str:
    """A record's id from what it holds, so that the same site gives the same bytes."""
    digest = hashlib.sha256(content).hexdigest()
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{name} {digest}')}>"
