from __future__ import annotations

import itertools
import tarfile

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mathcode_data.core.text import gram_hashes, ngram_hashes
from mathcode_data.stages.dedup.signatures import share_found
from support.dedup import dedup, sharded
from support.stages import documents, make_config, make_result, run_global

NAME = "dedup.minhash"
WORDS = [f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(26 * 26)]


def variant(seed, num_words=60, changed=0):
    """A text of random words; `changed` of them, spread evenly, are replaced."""
    words = np.random.default_rng(seed).choice(WORDS, num_words).tolist()
    for place in np.linspace(0, num_words - 1, changed).astype(int):
        words[place] = f"changed{chr(97 + place % 26)}"
    return " ".join(words)


TEXTS = [variant(0), variant(0, changed=1), variant(0, changed=2), variant(1), variant(1) + " !", variant(2), "", "?", "x = 1", "x = 2"]


@settings(max_examples=6)
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=10), st.data())
def test_survivors_and_clusters_do_not_depend_on_order_sharding_and_tasks(texts, data):
    table = documents(texts)
    values = data.draw(st.sampled_from([{}, {"keep": "longest"}, {"min_similarity": 0.9}]))
    values |= {"num_bands": 8, "rows_per_band": 2}
    kept, counters, clusters = dedup(NAME, table, **values)
    order = data.draw(st.permutations(range(len(texts))))
    cuts = data.draw(st.lists(st.integers(0, len(texts)), max_size=3))
    again = dedup(NAME, table.take(order), cuts, data.draw(st.sampled_from([3, 1000])), **values)
    assert (kept.equals(again[0]), counters, clusters) == (True, *again[1:])
    assert kept.num_rows + counters.dropped["near_duplicate"] == len(texts)
    assert counters.facts["near_duplicates"] == len(clusters) - counters.facts["clusters"]


def test_equal_texts_are_found_and_texts_without_grams_never_are():
    kept, counters, clusters = dedup(NAME, documents(["", "...", "?", "", "x = 1", "X = 1", "x = 2"]))
    assert kept["text"].to_pylist() == ["", "...", "?", "", "x = 1", "x = 2"]
    assert counters.facts == {"clusters": 1, "near_duplicates": 1}
    assert clusters == {f"{4:032x}": f"{4:032x}", f"{5:032x}": f"{4:032x}"}


def test_a_chain_is_one_cluster_and_min_similarity_splits_it():
    # each is like the next, the ends are not alike
    chain = [" ".join(WORDS[start : start + 100]) for start in range(0, 60, 6)]
    kept, _, clusters = dedup(NAME, documents(chain))
    assert kept["text"].to_pylist() == chain[:1]
    assert set(clusters.values()) == {f"{0:032x}"}
    kept, _, clusters = dedup(NAME, documents(chain), min_similarity=0.6)
    assert 1 < kept.num_rows < len(chain)
    for document, survivor in clusters.items():
        assert jaccard(chain[int(document, 16)], chain[int(survivor, 16)]) >= 0.6
    assert all(jaccard(chain[0], text) < 0.6 for text in kept["text"].to_pylist()[1:])


def test_keep_decides_who_stands_for_a_cluster():
    texts = [variant(0, 200), variant(0, 200) + " more", variant(0, 200) + " and more"]
    table = documents(texts, score_math=[0.1, 0.9, 0.5])
    survivor = {"smallest_id": 0, "longest": 2, "highest_score": 1}
    for keep, row in survivor.items():
        kept, _, _ = dedup(NAME, table, [1], keep=keep, score_column="score_math" if keep == "highest_score" else None)
        assert kept.equals(table.slice(row, 1))


def test_numbers_and_operators_keep_exercises_apart():
    kept, _, _ = dedup(NAME, documents(["Solve 3x + 5 = 20 for x.", "Solve 7x - 11 = 2.5 for x.", "Solve 3x+5=20 for x!"]))
    assert kept["doc_id"].to_pylist() == [f"{row:032x}" for row in (0, 1)]


@pytest.mark.slow
def test_an_all_identical_corpus_is_one_cluster_in_linear_memory(tmp_path):
    size = 50_000
    table = documents([variant(0, 20)] * size)
    outcome = run_global(NAME, [sharded(table, [1, 20_000], tmp_path / "in")], tmp_path / "out", num_bands=4, rows_per_band=2)
    assert [record.counters[0].kept for record in outcome.counted] == [1, 0, 0]
    assert (outcome.facts["clusters"], outcome.facts["near_duplicates"]) == (1, size - 1)


def test_a_record_that_was_read_twice_stays_once():
    table = documents([variant(0), variant(1)])
    kept, _, _ = dedup(NAME, pa.concat_tables([table, table]), [2])
    assert kept.equals(table)


@pytest.mark.parametrize("name", ["dedup.exact", "dedup.minhash", "dedup.paragraphs"])
def test_documents_of_one_id_and_other_contents_are_no_duplicates(name):
    texts = [" ".join(f"{sign}word{chr(97 + i)}" for i in range(20)) for sign in "xyz"]
    table = documents(texts, doc_id=["0" * 32] * 3)
    kept, counters, _ = dedup(name, table, [1])
    assert sorted(kept["text"].to_pylist()) == texts
    assert not counters.dropped


def test_the_report_shows_both_texts_escaped_with_what_differs_marked(tmp_path):
    words = [f"word{i % 26}{chr(97 + i // 26)}" for i in range(120)]
    texts = [" ".join([*words, "<script>same()"]), " ".join([*words[:60], "<b>", *words[61:], "<script>same()"])]
    outcome = run_global("dedup.minhash", [make_result(tmp_path / "in", [documents(texts)])], tmp_path / "work")
    (page,) = [record.path("report.html").read_text() for record in outcome.records if (record.folder / "report.html").exists()]
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert "&lt;script&gt;same()" in page
    assert "<ins>&lt;b&gt;</ins>" in page or "<del>&lt;b&gt;</del>" in page.replace("</del><del>", "")
    assert '<td>2-3</td><td class="n">1</td>' in page
    assert outcome.facts["estimates"]["sampled"]["pairs"] == 1


@pytest.mark.parametrize("bounds", [{"min_similarity": 1.0}, {"report_similarity": 1.0}, {"min_similarity": 1.0, "report_similarity": 1.0}])
def test_a_similarity_of_one_may_be_asked_for(tmp_path, bounds):
    text = " ".join(f"word{i % 26}{chr(97 + i // 26)}" for i in range(120))
    outcome = run_global(
        "dedup.minhash", [make_result(tmp_path / "in", [documents([text, text, f"{text} more"])])], tmp_path / "work", **bounds
    )
    assert outcome.facts["near_duplicates"] == (1 if "min_similarity" in bounds else 2)
    assert set(outcome.facts["estimates"]["uniform"]) == {"precision", "recall"}


def test_in_chinese_the_report_marks_characters_not_whole_sentences():
    from mathcode_data.stages.dedup.report_page import _marked

    assert _marked("我们证明了定理 x_1", "我们证明过定理 x_1") == ("我们证明<del>了</del>定理 x_1", "我们证明<ins>过</ins>定理 x_1")


def test_no_shards_and_no_rows(tmp_path):
    assert list(run_global(NAME, [make_result(tmp_path / "none", [])], tmp_path / "a").records) == []
    kept, counters, clusters = dedup(NAME, documents([]))
    assert (kept.num_rows, counters.read, clusters) == (0, 0, {})


@pytest.mark.parametrize(
    "values",
    [
        {"num_bands": 0},
        {"rows_per_band": 0},
        {"min_similarity": 1.5},
        {"seed": -1},
        {"shingle_size": 0},
        {"preset": "14x8", "num_bands": 20},
        {"preset": "1x1"},
        {"unit": "repository", "min_similarity": 0.8},
    ],
)
def test_settings_out_of_range_are_refused(values):
    with pytest.raises(ValidationError):
        make_config(NAME, **values)


def shingle_set(text, size=5):
    return set(ngram_hashes(gram_hashes(text), size).tolist())


def jaccard(one, other):
    one, other = shingle_set(one), shingle_set(other)
    return len(one & other) / len(one | other)


@pytest.mark.slow
def test_recall_on_real_pages_is_what_brute_force_and_theory_say(shared_data):
    """Real articles and copies of them that lack or gain paragraphs, compared with all exact similarities."""
    with (shared_data / "text" / "cp_algorithms_md.tar.zst").open("rb") as raw:
        stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(raw)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            pages = [archive.extractfile(member).read().decode() for member in archive if member.name.endswith(".md")]
    random = np.random.default_rng(0)
    texts = [page for page in pages if len(page) > 2000][:40]
    for page, other in zip(texts[:40], texts[39::-1], strict=True):
        for share in random.uniform(0.0, 0.4, 2):
            blocks = page.split("\n\n")
            kept = [block for block in blocks if random.random() > share]
            texts.append("\n\n".join([*kept, *other.split("\n\n")[: random.integers(0, 3)]]))
    sets = [shingle_set(text) for text in texts]
    pairs = {(i, j): len(sets[i] & sets[j]) / len(sets[i] | sets[j]) for i, j in itertools.combinations(range(len(sets)), 2)}
    _, _, clusters = dedup(NAME, documents(texts), [50])
    together = {pair for pair in pairs if clusters.get(f"{pair[0]:032x}", 0) == clusters.get(f"{pair[1]:032x}", 1)}
    assert all(pair in together for pair, similarity in pairs.items() if similarity >= 0.95)
    assert not [pair for pair in together if pairs[pair] < 0.1]
    chances = np.array([share_found(similarity, 14, 8) for similarity in pairs.values()])
    found = sum(pair in together for pair in pairs)
    # chains only add pairs, so what is found lies above the expected number less four standard errors
    assert found >= chances.sum() - 4 * np.sqrt((chances * (1 - chances)).sum())
