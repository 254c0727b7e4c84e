"""What goes wrong in training: losses that are not finite, a full disk, files from elsewhere; nothing is lost and nothing is run."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from mathcode_data.core.errors import DataError, StaleOutputError, VerificationError
from mathcode_data.core.storage import read_json
from mathcode_data.trainer import loop
from mathcode_data.trainer.checkpoint import list_checkpoints, open_checkpoint
from mathcode_data.trainer.loop import train
from mathcode_data.trainer.metrics import MetricsLog
from support.fork_server import server

TESTS = Path(__file__).parents[1]


def records(config, kind):
    return [record for record in MetricsLog(config.output / "metrics.jsonl").read() if record["kind"] == kind]


def weights_of(config):
    return open_checkpoint(list_checkpoints(config.output / "checkpoints")[-1]).tensors("model")


@pytest.fixture
def spoil(monkeypatch):
    """Make the losses, or the gradients alone, of some steps not finite."""

    def begin(bad_steps, *, value=float("nan"), of="loss", micro_batches=2):
        calls = []
        real = loop.forward

        def forward(*arguments, **options):
            loss, nll_BS = real(*arguments, **options)
            step = len(calls) // micro_batches + 1
            calls.append(step)
            if step not in bad_steps:
                return loss, nll_BS
            return loss * value, nll_BS * value if of == "loss" else nll_BS

        monkeypatch.setattr(loop, "forward", forward)

    return begin


@pytest.mark.parametrize(("of", "value"), [("loss", float("nan")), ("loss", float("inf")), ("gradient", float("nan"))])
def test_at_most_k_steps_are_skipped_then_the_run_stops_with_the_batch_saved(make_config, mixture, spoil, of, value):
    config = make_config(max_skipped_steps=2, checkpoint_every_steps=1)
    spoil({2, 4, 5}, of=of, value=value)
    with pytest.raises(VerificationError, match=r"step 5 after 2 steps that were skipped: .* not finite, the step was not taken"):
        train(config, data=mixture)
    assert [record["step"] for record in records(config, "step")] == [1, 3]
    skipped = records(config, "skipped")
    assert [(record["step"], record["first_position"], record["last_position"]) for record in skipped] == [(2, 4, 7), (4, 12, 15)]
    report = read_json(config.output / "stopped_step.json")
    assert (report["first_position"], report["last_position"], report["skipped_steps"]) == (16, 19, 2)
    assert (np.load(config.output / "stopped_batch.npy") == mixture.batch(range(16, 20))[0]).all()
    assert all(tensor.isfinite().all() for tensor in weights_of(config).values())


def test_a_skipped_step_changes_nothing_and_a_resumed_run_has_used_up_as_many(make_config, tmp_path, mixture, spoil, monkeypatch):
    config = make_config(max_skipped_steps=1, checkpoint_every_steps=1)
    spoil({2})
    train(config, data=mixture, stop_after_steps=1)
    before = weights_of(config)
    train(config, data=mixture, stop_after_steps=1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights_of(config).items())
    monkeypatch.undo()
    spoil({1})
    with pytest.raises(VerificationError, match="step 3 after 1 steps that were skipped"):
        train(config, data=mixture)
    monkeypatch.undo()
    assert train(config, data=mixture)["steps"] == 6


@pytest.mark.parametrize("batch", [2, 8])
def test_another_batch_is_refused(make_config, mixture, batch):
    train(make_config(), data=mixture, stop_after_steps=2)
    with pytest.raises(StaleOutputError, match=f"global_batch_samples is 4 there, {batch} here"):
        train(make_config(global_batch_samples=batch), data=mixture)


class Payload:
    """Unpickled, it leaves a mark."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


def test_a_pickle_in_a_checkpoint_is_refused_or_passed_over_and_never_run(make_config, tmp_path, mixture):
    config = make_config(checkpoint_every_steps=2)
    train(config, data=mixture, stop_after_steps=4)
    newest = list_checkpoints(config.output / "checkpoints")[-1]
    mark = tmp_path / "ran"
    for name in ("model.safetensors", "optimizer.safetensors", "rng.safetensors", "checkpoint.json"):
        path = newest / name
        whole = path.read_bytes()
        for payload in (pickle.dumps(Payload(mark)), whole[: len(whole) // 2]):
            path.write_bytes(payload)
            with pytest.raises(VerificationError, match="use_previous"):
                train(config, data=mixture)
        path.write_bytes(whole)
    torch.save({"w": Payload(mark)}, newest / "model.safetensors")
    (newest / ".metadata").write_bytes(pickle.dumps(Payload(mark)))  # where DCP's own reader would unpickle
    assert train(config.model_copy(update={"damaged_checkpoint": "use_previous"}), data=mixture)["finished"]
    assert not mark.exists()
    assert [record["step"] for record in records(config, "step")] == [1, 2, 3, 4, 5, 6], "again from step 2"


def test_weights_of_another_shape_are_refused_also_with_matching_checksums(make_config, tmp_path, mixture):
    config = make_config()
    train(config, data=mixture, stop_after_steps=1)
    model = {**config.model.model_dump(), "ffn_size": 32}
    with pytest.raises(StaleOutputError, match=r"model\.ffn_size is 24 there, 32 here"):
        train(make_config(model=model), data=mixture)
    other = make_config(model=model, output=str(tmp_path / "other"), continue_from=str(config.output))
    with pytest.raises(DataError, match=r"has shape \[16, 24\] there, \[16, 32\] in the configured model"):
        train(other, data=mixture)


def test_a_full_disk_while_saving_keeps_the_previous_checkpoint_and_ends_with_code_6(make_config, tmp_path, mixture):
    config = make_config()
    train(config, data=mixture, stop_after_steps=2)
    path = tmp_path / "train.yaml"
    path.write_text(json.dumps(config.model_dump(mode="json", exclude_none=True, exclude={"global_batch_tokens"})))
    environment = os.environ | {"PYTHONPATH": str(TESTS)}

    def command(disk):
        return server().run(
            "trainer.full_disk", [str(path), disk], environment, ("mathcode_data.trainer.__main__", "mathcode_data.trainer.loop")
        )

    done = command("full")
    assert (done.returncode, "Traceback" in done.stderr) == (6, False), done.stderr
    assert "step-00000006" in done.stderr, done.stderr
    assert [folder.name for folder in list_checkpoints(config.output / "checkpoints")] == ["step-00000002"]
    open_checkpoint(config.output / "checkpoints" / "step-00000002")
    done = command("free")
    assert done.returncode == 0, done.stderr
    assert not list((config.output / "checkpoints").glob(".tmp-*"))
    assert [record["step"] for record in records(config, "step")] == [1, 2, 3, 4, 5, 6]
