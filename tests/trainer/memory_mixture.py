"""A mixture in memory with the methods of MixtureDataset: documents are arithmetic sequences, so a model can learn them."""

from __future__ import annotations

import hashlib

import numpy as np


class MemoryMixture:
    """`num_samples` rows of two or more sources in turn, plus four held-out windows of each."""

    def __init__(
        self, *, num_samples=24, sequence_length=16, vocab_size=32, sources=("code", "math"), seed=0, document_length=7, stages=None
    ):
        self.sequence_length = sequence_length
        self.source_names = list(sources)
        self.document_length = document_length
        self.info = {"stages": stages or [], "sources": [{"name": name, "bytes_per_token": 4.0} for name in sources]}
        generator = np.random.default_rng(seed)
        rows = generator.integers(0, vocab_size, (num_samples + 4 * len(sources), sequence_length + 1))
        steps = np.arange(sequence_length + 1)
        walk = np.arange(rows.shape[0])[:, None] % len(sources) + 1  # source k counts in steps of k + 1
        self._rows = ((rows[:, :1] + walk * steps) % vocab_size).astype(np.uint16)
        self._num_samples = num_samples
        self.fingerprint = hashlib.sha256(self._rows.tobytes()).hexdigest()[:32]
        self.asked = []

    def __len__(self):
        return self._num_samples

    def _batch(self, rows, sources):
        starts = [np.arange(int(row) % self.document_length, self.sequence_length + 1, self.document_length) for row in rows]
        return self._rows[rows], np.asarray(sources, dtype=np.int16), starts, np.ones((len(rows), self.sequence_length), bool)

    def batch(self, positions):
        positions = np.asarray(positions)
        self.asked += positions.tolist()
        return self._batch(positions, positions % len(self.source_names))

    def holdout(self, source):
        return np.arange(4)

    def holdout_batch(self, source, windows):
        number = self.source_names.index(source)
        rows = self._num_samples + np.asarray(windows) * len(self.source_names)
        rows += (number - rows) % len(self.source_names)
        return self._batch(rows, np.full(len(rows), number))
