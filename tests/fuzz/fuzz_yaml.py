"""YAML: pipelines, mixtures, training, study and recall files; whatever stands there is a configuration or a place in the file."""

from pathlib import Path

from mathcode_data.core.yaml_file import parse_yaml
from mathcode_data.mixture.recipe import load_recipe
from mathcode_data.runtime.pipeline import load_pipeline
from mathcode_data.trainer.config import load_train_config
from support.fuzzing import scratch, written

LOADERS = (load_recipe, load_pipeline, load_train_config)

MIXTURE = b"""name: m
seed: 1
sequence_length: 32
sources:
  code: {shards: code, max_epochs: 2}
  math: {shards: math, holdout: 1%}
stages:
  - name: one
    tokens: {code: 640, math: 1_000}
  - name: two
    tokens: 4K
    weights: {code: 1, math: 0.5}
"""
PIPELINE = b"""name: p
output: out
seed: 3
stages:
  - read.jsonl: {paths: in.jsonl, id_key: id}
  - id: kept
    select.threshold: {column: score_math, min: 0.5}
  - dedup.exact: {}
"""
TRAIN = b"""mixture: mixture
output: run
model: {layers: 2, hidden_size: 64, heads: 2}
optimizer: {lr: 1e-3}
"""


def seeds() -> list[bytes]:
    return [b"\0" + MIXTURE, b"\1" + PIPELINE, b"\2" + TRAIN, b"\0a: 'b'\nc: |\n  d\n- e\n", b"\0" + b"[" * 60]


def read(data: bytes) -> None:
    written("yaml", "in.jsonl", b'{"id": 1, "text": "a"}\n')
    (scratch("yaml") / "mixture").mkdir(exist_ok=True)
    path = written("yaml", "x.yaml", data[1:])
    parse_yaml(data[1:], Path("x.yaml"))
    LOADERS[(data[0] if data else 0) % len(LOADERS)](path)
