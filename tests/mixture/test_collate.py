"""Document boundaries as FlashAttention takes them, and batches as a PyTorch DataLoader gives them."""

from __future__ import annotations

import pickle
import shutil
from functools import partial
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from mathcode_data.core.errors import DataError, StaleOutputError
from mathcode_data.mixture.collate import collate, cu_seqlens
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.elastic import ElasticBatches


@hypothesis.given(st.integers(1, 30), st.data())
def test_cumulative_lengths_part_the_inputs_where_documents_begin(length: int, data):
    rows = data.draw(st.lists(st.sets(st.integers(0, length)), min_size=1, max_size=4))
    starts = [np.array(sorted(row), dtype=np.int64) for row in rows]
    found = cu_seqlens(starts, length)
    expected = {0} | {number * length + at for number, row in enumerate(rows) for at in (*row, length) if at}
    assert found.dtype == np.int32
    assert found.tolist() == sorted(expected)
    assert cu_seqlens(starts[0], length).tolist() == cu_seqlens(starts[:1], length).tolist()


def test_offsets_that_cannot_be_are_refused():
    for wrong in ([3, 3], [5, 2], [-1], [9]):
        with pytest.raises(DataError, match=r"they ascend within 0\.\.8"):
            cu_seqlens(np.array(wrong, dtype=np.int64), 8)
    with pytest.raises(DataError, match="an int32 counts 2,147,483,647"):
        cu_seqlens([np.zeros(0, dtype=np.int64)] * 3, 2**30)


@pytest.fixture
def mixture(build, make_recipe, tmp_path: Path) -> Path:
    build(make_recipe())
    return tmp_path / "mixture"


def test_an_item_is_its_sample_and_a_batch_of_items_is_collated(mixture: Path):
    with MixtureDataset(mixture) as data:
        items = [data[position] for position in (3, 274, 0)]
        for item, position in zip(items, (3, 274, 0), strict=True):
            sample = data.sample(position)
            assert item["tokens"].dtype == np.int64
            assert item["tokens"].tolist() == sample.tokens.tolist()
            assert (item["source"], item["document_starts"].tolist()) == (sample.source, sample.boundaries.tolist())
        batch = collate(items)
        assert batch["input_ids"].tolist() == [item["tokens"][:-1].tolist() for item in items]
        assert batch["labels"].tolist() == [item["tokens"][1:].tolist() for item in items]
        assert batch["cu_seqlens"].tolist() == cu_seqlens([item["document_starts"] for item in items], 8).tolist()
        assert batch["max_seqlen"] == np.diff(batch["cu_seqlens"]).max()
        with pytest.raises(IndexError):
            data[275]
        assert sum(1 for _ in data) == 275, "iterating ends at the last sample"


def test_a_pickled_dataset_holds_no_data_and_opens_the_same_mixture(mixture: Path, shards: Path, build, make_recipe):
    with MixtureDataset(mixture) as data:
        data.batch(range(50))
        content = pickle.dumps(data)
        assert len(content) < 1000
        again = pickle.loads(content)
        assert np.array_equal(again.batch(range(275))[0], data.batch(range(275))[0])
        path = shards / "code" / "code-00001.bin"
        whole = path.read_bytes()
        path.write_bytes(whole[:-2])
        with pytest.raises(DataError, match="code-00001"):
            pickle.loads(content).batch(range(275))
        path.write_bytes(whole)
    shutil.rmtree(mixture)
    build(make_recipe(seed=18), output=mixture)
    with pytest.raises(StaleOutputError, match="when the dataset was pickled"):
        pickle.loads(content)


@pytest.mark.slow
@pytest.mark.parametrize("context", ["none", "fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*pin_memory.*", "ignore:This process .* is multi-threaded")
def test_a_dataloader_gives_the_same_batches_with_any_workers(mixture: Path, context: str):
    torch = pytest.importorskip("torch", reason="the extra 'train' is not installed")
    with MixtureDataset(mixture) as data:
        data.batch(range(20))  # files and locks are in use when workers are forked
        batches = ElasticBatches(len(data), 32, rank=1, world_size=2, first_sample=40, micro_batch_size=5)
        workers = {} if context == "none" else {"num_workers": 2, "multiprocessing_context": context}
        loader = torch.utils.data.DataLoader(data, batch_sampler=batches, collate_fn=partial(collate, convert=torch.from_numpy), **workers)
        assert len(loader) == len(batches)
        for positions, batch in zip(batches, loader, strict=True):
            tokens, sources, starts, _ = data.batch(positions)
            assert batch["input_ids"].dtype == torch.int64
            assert batch["input_ids"].tolist() == tokens[:, :-1].tolist()
            assert batch["labels"].tolist() == tokens[:, 1:].tolist()
            assert batch["sources"].tolist() == sources.tolist()
            assert batch["cu_seqlens"].tolist() == cu_seqlens(starts, 8).tolist()
