"""A small tokenizer, and no child process where a test does not need one."""

import random

import pytest

from support.classifier import as_result
from support.stages import documents, make_result, run_global
from support.tokens import probe_here


@pytest.fixture(scope="session")
def small_tokenizer(tmp_path_factory):
    """A byte-level tokenizer of 300 ids, as a finished result."""
    folder = tmp_path_factory.mktemp("tokenizer")
    random.seed(1)
    texts = [" ".join(random.choices(["let", "proof", "return", "x = 1\n", "证明"], k=20)) for _ in range(40)]
    outcome = run_global("learn.tokenizer", [make_result(folder / "in", [documents(texts)])], folder, vocab_size=300)
    return as_result(outcome, folder / "result", "tokenizer").folder


@pytest.fixture(autouse=True)
def _probe_in_this_process(request, monkeypatch):
    """A child takes half a second; the tests of refused files use one, the others probe here."""
    if "refused" not in request.node.name:
        probe_here(monkeypatch)
