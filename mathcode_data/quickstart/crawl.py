"""The stage that makes the quickstart's pages: one host of the invented site, served on loopback, crawled into WARC files."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mathcode_data.core.stage import GlobalContext, GlobalOutcome, StageConfig, Task
from mathcode_data.quickstart.capture import capture_site
from mathcode_data.quickstart.site import Site, build_site

VERSION = "1"


class Config(StageConfig):
    """Which host to crawl."""

    host: Literal["math-seed", "random-web", "crawl"]
    """math-seed: pages known to be mathematics; random-web: any pages; crawl: the pages to recall mathematics from."""
    site_seed: int = Field(default=17, ge=0)
    """Seed of the site; the same seed gives the same bytes."""
    max_pages: int | None = Field(default=None, ge=1)
    """Stop after this many pages."""


def build(config: Config) -> DemoCrawl:
    """Make the stage."""
    return DemoCrawl(config)


def crawl_host(task: Task) -> None:
    """Serve, crawl, store."""
    site = build_site(task.config.site_seed)
    host = task.config.host
    capture_site(Site(site.seed, {host: site.hosts[host]}), task.folder, max_pages=task.config.max_pages)


class DemoCrawl:
    """A crawl over 127.0.0.1; its result is WARC files."""

    kind = "warc"
    takes_input = False

    def __init__(self, config: Config) -> None:
        self.config = config

    def run(self, context: GlobalContext) -> GlobalOutcome:
        """One task: a host is fetched one request at a time."""
        records = context.map("crawl", crawl_host, [{}])
        return GlobalOutcome(records, [])
