"""Whatever stands in a name, a page or an answer of a model stays text in every report; nothing runs, nothing is loaded."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.cli.pages import extract
from mathcode_data.cli.show import emit
from mathcode_data.core.terminal import harmless, harmless_json
from mathcode_data.inspect.markup import page, section, table
from mathcode_data.recall.report import html as recall_html
from mathcode_data.stages.dedup.report_page import report_page
from mathcode_data.study.report_html import html_report

HOSTILE = (
    "</title></style></script></div><script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>"
    "\"' onmouseover='alert(4)' style=\"x:url(https://evil.example)\" javascript:alert(5) &lt;script&gt; <!-- ]]> ` {{7*7}} \u202e"
)
FORBIDDEN = {"script", "iframe", "object", "embed", "form", "base", "img", "image", "use", "foreignobject", "animate", "set"}


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def check(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    assert not {tag for tag, _ in tags.found} & FORBIDDEN
    for tag, attributes in tags.found:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc")], (tag, attributes)
        for name in ("href", "src", "action", "xlink:href"):
            assert not (attributes.get(name) or "").lower().lstrip().startswith(("javascript", "vbscript", "data:text", "//"))
    policy = next(attributes["content"] for _, attributes in tags.found if attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    assert "evil" not in style[1]
    assert "alert(1)" in tags.text, "the text is shown, as text"
    return tags


def poisoned(value: Any) -> Any:
    """Every text of plain data made hostile; numbers and keys stay."""
    if isinstance(value, str):
        return value + HOSTILE
    if isinstance(value, dict):
        return {key: poisoned(item) for key, item in value.items()}
    return [poisoned(item) for item in value] if isinstance(value, list) else value


def test_a_study_with_hostile_names_texts_and_answers_is_a_page_of_text(repository: Path):
    results = orjson.loads((repository / "tests" / "bench" / "results" / "study" / "results.json").read_bytes())
    for key in ("name", "claim"):
        results[key] = HOSTILE
    if results["problems"] is not None:
        results["problems"]["shown"] = {form: [HOSTILE] for form in results["problems"]["shown"]}
    check(html_report(results))
    for key in ("domains", "arms"):
        if isinstance(results.get(key), dict):
            check(html_report(results | {key: poisoned(results[key])}))


def test_a_round_of_recall_with_a_hostile_name_is_a_page_of_text():
    data = {
        "pages": 1, "pages_scored": 2, "tokens": 3, "tokens_asked": 4, "overlap": None, "overlap_share": None, "new_share": None,
        "num_domains": 1, "num_candidates": 1, "num_suggestions": 0, "precision": None, "recall": None, "model_sha256": HOSTILE,
        "scores": {"edges": [0.0, 0.5, 1.0], "all": [1, 1], "collected": [0, 1]},
        "decisions": {"accepted": 1, "rejected": 0, "unmatched": [HOSTILE]},
    }  # fmt: skip
    recall = SimpleNamespace(file=SimpleNamespace(data={"name": HOSTILE}))
    check(recall_html(recall, SimpleNamespace(data=data, number=1, fingerprint=HOSTILE)))  # type: ignore[arg-type]


@pytest.mark.parametrize("place", range(5))
def test_every_place_of_the_common_page_takes_hostile_text(place: int):
    values = ["kind", "title", "subtitle", "", "command"]
    values[place] = HOSTILE if place != 3 else section(HOSTILE, table([HOSTILE], [[HOSTILE]], HOSTILE), note=HOSTILE)
    check(page(values[0], values[1], values[2], values[3], [values[4]]))


CONTROLS = "\x1b]0;owned\x07 \x9b31m \x7f \u202e \u2066 \u2028 \U000e0041 \r over"
"""What would rename a window, colour, delete, turn text around, end a line or hide in it, or write over what stands there."""
RAW = set("\x1b\x07\x9b\x7f\u202e\u2066\u2028\U000e0041")


def test_controls_in_near_duplicates_are_shown_in_their_report_not_obeyed():
    facts = {"near_duplicates": 1, "clusters": 1, "largest_cluster": 2, "tokens_kept_estimated": 1, "tokens_dropped_estimated": 1}
    estimate = {"pairs": 1, "precision": 1.0, "recall": None}
    pair = {
        "doc_id": f"a{CONTROLS}",
        "text": f"same {CONTROLS} one",
        "kept_doc_id": "b",
        "kept_text": f"same {CONTROLS} two",
        "similarity": 0.9,
    }
    found = {"similarity": 0.8, "sampled": estimate, "uniform": estimate}
    html = report_page(facts | {"cluster_sizes": [[CONTROLS, 1]]}, found, [pair])
    assert not RAW & set(html)
    assert r"\x1b" in html
    assert r"\u202e" in html


@pytest.mark.parametrize("is_terminal", [True, False])
def test_extract_shows_controls_to_a_terminal_and_gives_a_pipe_the_text_as_it_is(
    is_terminal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    page = tmp_path / "page.html"
    page.write_text(f"<p>Let x be a number. {CONTROLS.replace(chr(13), '')} Then it is one.</p>" * 3, encoding="utf-8")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal, raising=False)
    extract([page], json=False, url="", encoding="utf-8", content_type="", comments=False, boilerplate=False, deadline=20.0)
    said = capsys.readouterr().out
    assert ("\x9b31m" in said) is not is_terminal
    assert not is_terminal or r"\x9b31m" in said
    extract([page], json=True, url="", encoding="utf-8", content_type="", comments=False, boilerplate=False, deadline=20.0)
    line = capsys.readouterr().out
    assert not RAW & set(line)
    assert "\x9b31m" in orjson.loads(line)["text"], "the same value"


def test_json_of_every_command_holds_no_control_and_the_same_value(capsys: pytest.CaptureFixture[str]):
    data = {"text": CONTROLS, CONTROLS: [1, "é \u4e2d \U0001f600"]}
    emit(data, True, "")
    said = capsys.readouterr().out
    assert not RAW & set(said)
    assert orjson.loads(said) == data
    assert "é \u4e2d \U0001f600" in said, "letters stay letters"


@given(st.text())
def test_harmless_text_is_all_that_a_terminal_gets_and_json_keeps_its_value(text: str):
    text = text.encode("utf-8", "replace").decode()
    shown, written = harmless(text), harmless_json(orjson.dumps(text).decode())
    assert not RAW & (set(shown) | set(written))
    assert orjson.loads(written) == text
