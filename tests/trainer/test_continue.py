"""Going on with another mixture, saving in the background, TensorBoard, compiled layers."""

from __future__ import annotations

import logging
import sys
import threading

import pytest
import torch
from trainer.memory_mixture import MemoryMixture

from mathcode_data.core.errors import ConfigError, ResourceError, StaleOutputError
from mathcode_data.trainer import checkpoint_storage, metrics
from mathcode_data.trainer.checkpoint import begin_save, find_checkpoint, open_checkpoint
from mathcode_data.trainer.config import load_train_config
from mathcode_data.trainer.loop import train
from mathcode_data.trainer.metrics import Board, MetricsLog, scalars


def losses(config):
    return [record["loss"] for record in MetricsLog(config.output / "metrics.jsonl").read() if record["kind"] == "step"]


def test_another_mixture_is_gone_on_with_only_if_asked_and_what_differs_is_logged(make_config, tmp_path, caplog):
    first = make_config(output=str(tmp_path / "first"))
    train(first, data=MemoryMixture(), stop_after_steps=3)
    other = MemoryMixture(num_samples=28, seed=5)
    with pytest.raises(StaleOutputError, match=r"another mixture .*num_samples is 24 there, 28 here.*continue_from"):
        train(first, data=other)
    config = make_config(output=str(tmp_path / "next"), continue_from=str(first.output), optimizer={"peak_lr": 1e-9})
    with caplog.at_level(logging.WARNING):
        summary = train(config, data=other, stop_after_steps=1)
    assert any("num_samples is 24 there, 28 here" in text and "peak_lr is 0.01 there" in text for text in caplog.messages)
    assert summary["steps"] == 1, "its own mixture from the first sample"
    here, there = (find_checkpoint(run.output).tensors("optimizer") for run in (config, first))
    assert here["lm_head.weight.step"] == there["lm_head.weight.step"] + 1, "the optimizer went along"
    weights, before = (find_checkpoint(run.output).tensors("model")["lm_head.weight"] for run in (config, first))
    torch.testing.assert_close(weights, before, atol=1e-6, rtol=0)
    assert train(config.model_copy(update={"continue_from": None}), data=other)["finished"], "needed for the beginning only"


def test_the_option_stands_for_the_key_and_weights_alone_exclude_it(tmp_path):
    path = tmp_path / "train.yaml"
    text = "mixture: mix\noutput: run\nmodel: dsm-1m\nglobal_batch_samples: 8\n"
    path.write_text(text)
    assert load_train_config(path, continue_from=tmp_path / "there").continue_from == tmp_path / "there"
    path.write_text(text + "initial_checkpoint: there\n")
    with pytest.raises(ConfigError, match="--continue-from cannot be given too"):
        load_train_config(path, continue_from=tmp_path / "there")
    path.write_text(text + "initial_checkpoint: there\ncontinue_from: there\n")
    with pytest.raises(ConfigError, match="give one of initial_checkpoint"):
        load_train_config(path)


def test_a_checkpoint_in_the_background_holds_the_values_of_its_moment(tmp_path, monkeypatch):
    gate = threading.Event()
    real = checkpoint_storage.write_tensors

    def wait_first(*arguments):
        assert gate.wait(100), "nobody opened the gate"
        return real(*arguments)

    monkeypatch.setattr(checkpoint_storage, "write_tensors", wait_first)
    weight = torch.ones(3)
    saving = begin_save(tmp_path, {"step": 1}, {"model": {"w": weight}}, keep=2)
    weight.fill_(7.0)
    assert not list(tmp_path.glob("step-*")), "not there before it is whole"
    gate.set()
    assert open_checkpoint(saving.wait()).tensors("model")["w"].tolist() == [1.0, 1.0, 1.0]


def test_a_save_that_fails_in_the_background_stops_the_run_and_keeps_the_previous(make_config, mixture, monkeypatch):
    config = make_config(checkpoint_every_steps=2)
    real = checkpoint_storage.write_tensors

    def full(path, tensors):
        if "00000004" in str(path):
            raise ResourceError(f"{path}: No space left on device")
        return real(path, tensors)

    monkeypatch.setattr(checkpoint_storage, "write_tensors", full)
    with pytest.raises(ResourceError, match="No space left"):
        train(config, data=mixture)
    assert [path.name for path in (config.output / "checkpoints").glob("step-*")] == ["step-00000002"]
    monkeypatch.undo()
    assert train(config, data=mixture)["finished"]


class Recorder:
    written = []

    def __init__(self, folder, purge_step):
        self.written.append(("begin", purge_step))

    def add_scalar(self, name, value, step):
        self.written.append((name, value, step))

    def close(self):
        self.written.append("closed")


def test_tensorboard_gets_the_numbers_of_every_step_once(make_config, mixture, monkeypatch):
    Recorder.written = []
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", type(sys)("torch.utils.tensorboard"))
    sys.modules["torch.utils.tensorboard"].SummaryWriter = Recorder
    config = make_config(tensorboard=True)
    train(config, data=mixture, stop_after_steps=2)
    train(config, data=mixture, stop_after_steps=1)
    steps = [entry[2] for entry in Recorder.written if entry[0] == "train/loss"]
    assert steps == [1, 2, 3]
    assert [entry for entry in Recorder.written if entry[0] == "begin"] == [("begin", 0), ("begin", 3)]
    names = {entry[0] for entry in Recorder.written}
    assert {"train/loss_per_source/code", "train/tokens_per_s", "train/loader_wait_s", "train/memory_bytes"} <= names
    assert Recorder.written[-1] == "closed"


def test_tensorboard_that_is_not_installed_is_an_error_and_not_a_run_without_it(make_config, mixture, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match="tensorboard: it needs a package that is not installed"):
        train(make_config(tensorboard=True), data=mixture)


def test_the_real_tensorboard_takes_the_records(tmp_path):
    pytest.importorskip("tensorboard", reason="not among the installed extras")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = Board(tmp_path / "board")
    board.begin(0)
    for step in (1, 2, 3):
        board.write({"kind": "step", "step": step, "loss": 2.0 / step, "loss_per_source": {"code": 1.5}})
    board.write({"kind": "evaluation", "step": 3, "held_out": {"code": {"loss": 1.25}}})
    board.close()
    resumed = Board(tmp_path / "board")
    resumed.begin(3)  # as after a kill: what is there from step 3 on is written again
    resumed.write({"kind": "step", "step": 3, "loss": 0.5})
    resumed.close()
    events = EventAccumulator(str(tmp_path / "board"))
    events.Reload()
    assert {"train/loss", "train/loss_per_source/code", "held_out/code"} <= set(events.Tags()["scalars"])
    assert [(event.step, event.value) for event in events.Scalars("train/loss")] == [(1, 2.0), (2, 1.0), (3, 0.5)]


def test_held_out_losses_are_plotted_by_source():
    record = {"kind": "evaluation", "step": 4, "held_out": {"code": {"loss": 1.5, "tokens": 8}}}
    assert scalars(record) == [("held_out/code", 1.5)]
    assert scalars({"kind": "start", "step": 0, "num_steps": 3}) == []
    assert metrics.Report is not None


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")  # of Inductor's own making
def test_compiled_layers_give_the_same_curve(make_config, tmp_path, mixture):
    plain, compiled = make_config(output=str(tmp_path / "plain")), make_config(output=str(tmp_path / "compiled"), compile=True)
    train(plain, data=mixture)
    train(compiled, data=mixture)
    assert losses(compiled)[0] == pytest.approx(losses(plain)[0], rel=1e-6)
    assert losses(compiled) == pytest.approx(losses(plain), rel=1e-4)
