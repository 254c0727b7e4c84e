"""Reports hold one file's worth of everything, and text from pages stays text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.inspect.markup import escape, is_safe_url, link
from mathcode_data.inspect.reports import make_reports
from mathcode_data.inspect.sampling import Look
from mathcode_data.shards.documents_table import write_documents_table
from mathcode_data.shards.writer import ShardWriter
from support.command import call
from support.stages import documents, make_result

HOSTILE = "</div></section><script>alert(1)</script><img src=x onerror=alert(2)>\x00\x1b[31m\u202egpj.exe\ufeff ]]> <!-- & \"' `"
ALLOWED_ATTRIBUTES = ("href", "src", "action", "style", "srcset", "data", "xlink:href")


class Tags(HTMLParser):
    """Collects tags, attributes and unbalanced ends."""

    VOID = ("meta", "link", "wbr", "br")

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def check(html: str) -> Tags:
    """The laws of every report."""
    found = Tags()
    found.feed(html)
    assert found.open == []
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "iframe", "object", "embed", "form", "base", "img", "image", "use", "foreignobject"}
    for _, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ALLOWED_ATTRIBUTES:
            value = attributes.get(name) or ""
            assert value in ("", "data:,") or value.startswith(("#", "http://", "https://")), value
    policy = next(attributes["content"] for _, attributes in found.tags if attributes.get("http-equiv") == "Content-Security-Policy")
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    assert not re.search(r"url\(|@import|expression", style[1])
    assert not any(character in html for character in "\x00\x1b\u202e\ufeff")
    return found


def html_of(path: Path, tmp_path: Path, **look: object) -> str:
    make_reports(path, Look(**look), html=tmp_path / "report.html", card=False, card_file=None)  # type: ignore[arg-type]
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_hostile_documents_stay_text(tmp_path: Path):
    table = documents([HOSTILE, "plain"], language=[HOSTILE, "en"], title=[HOSTILE, ""], score_a=[0.5, None])
    table = table.set_column(2, "url", pa.array(["javascript:alert(1)//" + HOSTILE, "https://a.example/x?y=1&z=2"]))
    found = check(html_of(make_result(tmp_path / "r", [table]).folder, tmp_path))
    assert any("<script>alert(1)</script>" in text for text in found.text)
    assert [attributes["href"] for tag, attributes in found.tags if tag == "a"] == ["https://a.example/x?y=1&z=2"]
    assert all(attributes["rel"] == "noopener noreferrer nofollow" for tag, attributes in found.tags if tag == "a")


def test_a_mixture_shows_samples_with_borders_special_ids_and_links(tmp_path: Path, tokenizer, toy_mixture: Path):
    tags = check(html_of(toy_mixture, tmp_path))
    classes = [attributes.get("class") or "" for _, attributes in tags.tags]
    assert "border" in classes
    assert "special" in classes
    assert any((attributes.get("href") or "").startswith("https://example.org/") for _, attributes in tags.tags)
    text = " ".join(tags.text)
    for said in ("Share of each source so far", "Stages", "Sources", "Samples", "<|eos|> 0", "no table"):
        assert said in text


@pytest.fixture
def toy_mixture(tmp_path: Path, tokenizer) -> Path:
    """Two sources, two stages; the tokenizer beside the shards, a table beside one of them."""
    from mathcode_data.mixture.build import build_mixture
    from mathcode_data.mixture.recipe import Recipe
    from mathcode_data.mixture.sources import source_from_path

    for name in ("a", "b"):
        texts = [f"{name} document {number} {HOSTILE if number == 1 else ''}" for number in range(30)]
        ids = [[*tokenizer.encode(text).ids, 0] for text in texts]
        with ShardWriter(tmp_path / name / f"{name}-00000", np.uint16) as writer:
            for tokens in ids:
                writer.add(tokens)
        tokenizer.save(str(tmp_path / name / "tokenizer.json"))
        if name == "a":
            tables = [(documents(texts), [len(tokens) for tokens in ids])]
            write_documents_table(tmp_path / name / f"{name}-00000.documents.parquet", tables)
    values = {
        "name": "toy", "seed": 1, "sequence_length": 16, "sources": {name: {"shards": str(tmp_path / name)} for name in ("a", "b")},
        "stages": [{"name": "one", "tokens": {"a": 320}}, {"name": "two", "tokens": {"a": 64, "b": 160}}],
    }  # fmt: skip
    build_mixture(Recipe.model_validate(values), [source_from_path(name, tmp_path / name) for name in ("a", "b")], tmp_path / "mixture")
    return tmp_path / "mixture"


def test_shards_from_elsewhere_and_of_ours_have_reports(tmp_path: Path, foreign: Path, tokenizer):
    html = html_of(foreign, tmp_path)
    assert "What is not known" in " ".join(check(html).text)
    tokenizer.save(str(tmp_path / "their.json"))
    named = " ".join(check(html_of(foreign, tmp_path, tokenizer=tmp_path / "their.json")).text)
    assert "数学!" in named


def test_an_output_has_a_report_and_other_kinds_say_that_they_have_none(tmp_path: Path, make_checkpoint):
    make_result(tmp_path / "out" / "pages", [documents(["a"])])
    (tmp_path / "out" / "pipeline.json").write_text('{"results": ["pages", "later"]}')
    text = " ".join(check(html_of(tmp_path / "out", tmp_path)).text)
    assert "pages" in text
    assert "later: not finished" in text
    with pytest.raises(ConfigError, match="no report of a checkpoint"):
        html_of(make_checkpoint(tmp_path / "run"), tmp_path)
    with pytest.raises(ConfigError, match="is a folder"):
        make_reports(tmp_path / "out", Look(), html=tmp_path, card=False, card_file=None)


def test_the_same_input_gives_the_same_report(tmp_path: Path, toy_mixture: Path):
    assert html_of(toy_mixture, tmp_path) == html_of(toy_mixture, tmp_path)


NO_LINKS = (
    "javascript:alert(1)", "JaVaScRiPt:x", " https://a.example", "https://a\tb.example", "data:text/html,x", "//a.example", "https://",
    "http://u:p@a.example", "http://[", "ftp://a.example", "https://a.example\\@b",
)  # fmt: skip


@pytest.mark.parametrize("url", NO_LINKS)
def test_only_plain_web_addresses_are_links(url: str):
    assert not is_safe_url(url)
    assert "<a " not in link(url)


def test_escaping_leaves_nothing_to_act_on():
    shown = escape(HOSTILE)
    assert not set(shown) & set("<>\"'\x00\x1b\u202e\ufeff")
    assert escape("数学 \n\t é 😀") == "数学 \n\t é 😀"


@pytest.mark.slow
def test_the_command_writes_reports_and_cards(tmp_path: Path, toy_mixture: Path):
    done = call("inspect", toy_mixture, "--html", tmp_path / "r.html", "--card", tmp_path / "card.md", "--json")
    assert done.returncode == 0, done.stderr
    assert '"prefix_share"' in done.stdout
    check((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert (tmp_path / "card.md").read_text(encoding="utf-8").startswith("# Data card: toy\n")
    wrong = call("inspect", toy_mixture, tmp_path / "card.md")
    assert wrong.returncode == 2
    assert "--card" in wrong.stderr
