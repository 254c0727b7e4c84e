"""Every limit of the crawl, with its default; all of them are keys under `limits`."""

from __future__ import annotations

from pydantic import Field

from mathcode_data.core.config import ByteCount, Share, StageConfig


class Limits(StageConfig):
    """What a host is spared, and what the crawl is spared by hosts."""

    delay_s: float = Field(default=1.0, ge=0.0, le=600.0)
    """Seconds between the end of a request to a host and the next; below 1 only with `allow_private`."""
    max_crawl_delay_s: float = Field(default=30.0, ge=0.0, le=3600.0)
    """A Crawl-delay up to this is honoured; a host that asks for more is skipped."""
    max_open_hosts: int = Field(default=200, ge=1, le=2000)
    """Hosts that one process speaks to at once, each over one connection."""
    robots_cache_s: float = Field(default=24 * 3600.0, ge=0.0)
    """How long a robots.txt counts."""
    robots_retry_s: float = Field(default=3600.0, ge=0.0)
    """How long a host is left alone whose robots.txt cannot be read."""
    max_robots: ByteCount = 500 << 10
    """Only so much of a robots.txt counts (RFC 9309)."""
    max_body: ByteCount = 8 << 20
    """Bytes of a body as sent; the rest is cut."""
    max_decoded: ByteCount = 16 << 20
    """Bytes of a body after Content-Encoding; the rest is cut."""
    max_ratio: int = Field(default=200, ge=1)
    """Decoded to sent bytes, above 1 MB decoded; a body beyond it is cut."""
    max_headers: ByteCount = Field(default=16 << 10, le=1 << 20)
    """Bytes of all response headers."""
    page_timeout_s: float = Field(default=30.0, gt=0.0, le=600.0)
    """All of a page, from connecting to the last byte."""
    min_bytes_per_s: int = Field(default=1024, ge=0)
    """Mean rate that a body must keep after `slow_start_s`."""
    slow_start_s: float = Field(default=10.0, ge=0.0)
    """Seconds before the rate is looked at."""
    max_redirects: int = Field(default=5, ge=0, le=20)
    """Redirects in a row."""
    max_url_characters: int = Field(default=2048, ge=16, le=8192)
    """Longest address."""
    max_segments: int = Field(default=20, ge=1)
    """Segments of a path."""
    max_repeats: int = Field(default=2, ge=1)
    """How often one segment may stand in a path."""
    max_parameters: int = Field(default=8, ge=0)
    """Parameters of a query."""
    max_depth: int = Field(default=16, ge=0)
    """Links from a seed."""
    max_links: int = Field(default=1000, ge=0)
    """Links that are taken of a page; the first ones."""
    max_calendar_pages: int = Field(default=50, ge=0)
    """Calendar pages (see `traps.py`) of a host."""
    novelty_window: int = Field(default=200, ge=10, le=10_000)
    """Last pages of a host that are looked at for new text."""
    min_new: Share = 0.02
    """Share of them that must be new, or the host is demoted."""
    max_retry_after_s: float = Field(default=3600.0, ge=0.0)
    """A longer Retry-After is cut to this."""
    max_backoff_s: float = Field(default=900.0, ge=0.0)
    """Longest wait after a failure without Retry-After; it doubles from `first_backoff_s`, with full jitter."""
    first_backoff_s: float = Field(default=5.0, ge=0.0)
    """Mean wait after the first failure is half of this."""
    max_attempts: int = Field(default=3, ge=1, le=20)
    """Requests for one page that fails in a way that may pass (time-out, reset, 429, 5xx)."""
    breaker_failures: int = Field(default=5, ge=1)
    """Failures in a row after which a host rests; after three rests it is given up."""
    host_pages: int = Field(default=10_000, ge=1)
    """Pages requested of one host."""
    host_bytes: ByteCount = 2 << 30
    """Bytes received of one host."""
    host_errors: int = Field(default=200, ge=1)
    """Failed requests of one host, after which it is given up."""
    max_bytes: ByteCount = 50 << 30
    """Bytes received in all; checked before a round, and each partition stops at its share within one."""
    min_free_disk: Share = 0.05
    """Share of the disk that stays free; below it the crawl stops cleanly with exit code 6 and can be resumed."""
    round_pages: int = Field(default=2000, ge=1)
    """Pages of a partition in one round."""
    host_round_pages: int = Field(default=50, ge=1)
    """Pages of a host in one round; fewer where its Crawl-delay would make the round longer than `task_s`."""
    task_s: float = Field(default=600.0, gt=0.0)
    """A task that is not done with its round by then is followed by another, which goes on where it ended."""
    patience_s: float = Field(default=900.0, ge=0.0)
    """When only resting hosts have pages left, wait so long for them; hosts that rest longer are left."""
