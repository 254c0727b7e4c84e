"""What goes into and comes out of the extraction of one page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Formula:
    r"""One formula of a page.

    `latex` is the exact string that stands between `\( \)` or `\[ \]` in the text of the page.
    `source` names the form it was found in ("tex-delimiter", "mathml", "image-alt", ...);
    `confidence` in [0, 1] falls where the form had to be guessed or rebuilt from a rendering.
    """

    latex: str
    display: bool
    source: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Page:
    """The outcome for one page; `error` is empty when the page can be used.

    `error` starts with a code and a colon: `empty:`, `limit:`, `binary:`, `encoding:`, `gzip:`, `exception:`, and from the
    guard `timeout:`, `crash:`. `damage` says what is wrong with a page that was read only as far as it goes: `gzip: the file
    ends too early, ...`.
    """

    title: str
    language: str
    text: str
    formulas: tuple[Formula, ...]
    encoding: str
    encoding_source: str
    error: str
    damage: str = ""


@dataclass(frozen=True, slots=True)
class PageInput:
    """The bytes of one page and what the outside said about them."""

    content: bytes
    url: str = ""
    content_type: str = ""
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """How much of a page is its text: by default the main content alone."""

    comments: bool = False
    """Keep a section of readers' comments below an article."""
    boilerplate: bool = False
    """Keep all that the page shows: navigation, side bars, lists of other pages, comments."""

    def names(self) -> tuple[str, ...]:
        """What is switched on, for a command line."""
        return tuple(name for name in ("comments", "boilerplate") if getattr(self, name))


MAIN_CONTENT = Scope()


def failed_page(error: str, *, encoding: str = "", encoding_source: str = "") -> Page:
    """A page without text and with the reason why."""
    return Page("", "", "", (), encoding, encoding_source, error)
