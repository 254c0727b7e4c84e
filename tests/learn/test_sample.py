"""Samples depend on documents and seed, not on shards."""

from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.stages.learn.sample import draw_sample, read_sample
from support.stages import InlineContext, documents, make_result


def sample(folder, table, num_shards, budget, unit, seed=0):
    shards = [table.take(pa.array(range(shard, table.num_rows, num_shards), pa.int64())) for shard in range(num_shards)]
    context = InlineContext("test", None, [], folder / "phases", seed)
    records, sizes = draw_sample(context, "s", [make_result(folder / "in", shards)], budget=budget, unit=unit)
    return list(read_sample([[record.folder for record in records]], seed, "order")), sizes


@settings(max_examples=15)
@given(
    st.lists(st.text(max_size=8), min_size=1, max_size=20), st.integers(1, 25), st.integers(2, 4), st.sampled_from(["documents", "bytes"]),
)  # fmt: skip
def test_every_sharding_gives_the_same_texts_in_the_same_order(tmp_path_factory, texts, budget, num_shards, unit):
    folder = tmp_path_factory.mktemp("sample")
    table = documents(texts)
    one, sizes = sample(folder / "one", table, 1, budget, unit)
    many, other = sample(folder / "many", table, num_shards, budget, unit)
    as_text = [[(group, tuple(ids.tolist()), text) for group, ids, text in rows] for rows in (one, many)]
    assert as_text[0] == as_text[1]
    assert sizes == other
    total = len(one) if unit == "documents" else sum(len(text) for _, _, text in one)
    assert total == sizes[unit] <= budget
    assert sizes["num_documents"] == len(one)
    if unit == "documents":
        assert len(one) == min(budget, len(texts))


def test_a_sample_is_another_one_under_another_seed(tmp_path):
    table = documents([str(i) for i in range(200)])
    chosen = [{text for _, _, text in sample(Path(tmp_path, str(seed)), table, 2, 50, "documents", seed)[0]} for seed in (1, 2)]
    assert len(chosen[0]) == len(chosen[1]) == 50
    assert 3 < len(chosen[0] & chosen[1]) < 22  # 12.5 expected, standard deviation 2.7
