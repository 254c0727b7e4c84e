from __future__ import annotations

import orjson
import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.inspect.contamination import contamination, contamination_text
from mathcode_data.inspect.contamination_page import write_contamination_page
from support.stages import documents, make_result, run_map

QUESTION = "A farmer <b>keeps</b> 17 ducks that lay 3 eggs per day each & sells every egg at the market for 0.25 dollars. How much is it?"
NUMBERS = "Let 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 be the numbers. Which of them is the answer?"


@pytest.fixture
def result(tmp_path):
    benchmark = tmp_path / "toy.jsonl"
    benchmark.write_bytes(b"\n".join(orjson.dumps({"question": text}) for text in (QUESTION, NUMBERS)))
    texts = [f"Bread.\n\n{QUESTION}", "Clean.", f"More.\n\n{QUESTION}", "1 2 3 4 5 6 7 8 9 10 11 12 13"]
    table, _ = run_map("decontaminate.ngram", documents(texts), benchmarks=str(benchmark))
    return make_result(tmp_path / "result", [table.slice(0, 2), table.slice(2)])


def test_findings_are_gathered_by_item(result):
    data = contamination(result.folder)
    (item,) = data["items"]
    assert (item["benchmark"], item["record"], len(item["documents"])) == ("toy.jsonl", 0, 2)
    assert [found["url"] for found in item["documents"]] == ["https://example.org/0", "https://example.org/2"]
    assert (data["documents"], data["num_guarded"], data["benchmarks"]) == (2, 1, {"toy.jsonl": 1})
    assert data["guarded"][0]["guard"] == "few_bits"
    assert "1 benchmark items in 2 documents" in contamination_text(data)


def test_the_page_shows_both_texts_and_lets_no_markup_out(result, tmp_path):
    write_contamination_page(contamination(result.folder), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert page.count("A farmer &lt;b&gt;keeps&lt;/b&gt; 17 ducks") == 4
    assert "<b>keeps" not in page
    assert "<script" not in page
    assert "<mark>A farmer" in page
    assert 'content="light dark"' in page


def test_a_result_that_was_never_looked_through_is_an_error(tmp_path):
    other = make_result(tmp_path / "other", [documents(["a"])])
    with pytest.raises(ConfigError, match=r"no stage of this result is decontaminate\.ngram"):
        contamination(other.folder)
