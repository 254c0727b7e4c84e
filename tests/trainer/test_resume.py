"""A run that was stopped goes on as if it had not been; another run is refused."""

from __future__ import annotations

import os
import signal
import threading

import pytest
import torch
from trainer.memory_mixture import MemoryMixture

from mathcode_data.core.errors import DataError, InterruptedRunError, LockedError, StaleOutputError, VerificationError
from mathcode_data.core.lock import locked
from mathcode_data.trainer import loop
from mathcode_data.trainer.checkpoint import list_checkpoints, open_checkpoint
from mathcode_data.trainer.loop import train
from mathcode_data.trainer.metrics import MetricsLog


def files_of(folder):
    return {name: entry["sha256"] for name, entry in open_checkpoint(folder).record["files"].items()}


def last_checkpoint(config):
    return list_checkpoints(config.output / "checkpoints")[-1]


def losses(config):
    return [record["loss"] for record in MetricsLog(config.output / "metrics.jsonl").read() if record["kind"] == "step"]


@pytest.mark.parametrize("num_threads", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("values", [
    {}, {"document_masks": True}, {"dtype": "bfloat16"}, {"schedule": {"kind": "cosine", "warmup_steps": 1}},
])  # fmt: skip
def test_resume_is_bit_exact(make_config, tmp_path, mixture, values, num_threads):
    torch.set_num_threads(num_threads)
    whole = make_config(output=str(tmp_path / "whole"), **values)
    parts = make_config(output=str(tmp_path / "parts"), **values)
    train(whole, data=mixture)
    first = train(parts, data=MemoryMixture(), stop_after_steps=3)
    assert (first["finished"], first["steps"]) == (False, 3)
    last = train(parts, data=MemoryMixture())
    assert (last["finished"], last["steps"]) == (True, 6)
    assert losses(parts) == losses(whole)
    assert files_of(last_checkpoint(parts)) == files_of(last_checkpoint(whole)), "parameters, optimizer and generators, byte for byte"


def test_a_finished_run_is_left_as_it_is(make_config, mixture):
    config = make_config()
    first = train(config, data=mixture)
    before = sorted((path, path.stat().st_mtime_ns) for path in config.output.rglob("*.safetensors"))
    records = []
    second = train(config, data=mixture, report=records.append)
    assert second == first
    assert records == []
    assert sorted((path, path.stat().st_mtime_ns) for path in config.output.rglob("*.safetensors")) == before


def test_steps_after_the_last_checkpoint_are_done_again_and_logged_once(make_config, tmp_path, mixture):
    config = make_config(checkpoint_every_steps=2, evaluate_every_steps=1)
    train(config, data=mixture, stop_after_steps=4)
    expected = losses(config)
    for name in ("model", "optimizer", "rng"):  # as if killed after step 4 was logged and before it was saved
        (last_checkpoint(config) / f"{name}.safetensors").unlink()
    with (config.output / "metrics.jsonl").open("ab") as file:
        file.write(b'{"kind":"step","st')  # a line that the kill cut
    with pytest.raises(VerificationError, match="use_previous"):
        train(config, data=mixture)
    train(config.model_copy(update={"damaged_checkpoint": "use_previous"}), data=mixture)
    records = list(MetricsLog(config.output / "metrics.jsonl").read())
    assert [r["step"] for r in records if r["kind"] == "step"] == [1, 2, 3, 4, 5, 6]
    assert [r["step"] for r in records if r["kind"] == "evaluation"] == [0, 1, 2, 3, 4, 5, 6]
    assert losses(config)[:4] == expected


def test_another_mixture_is_refused_and_what_differs_is_said(make_config, mixture):
    config = make_config()
    train(config, data=mixture, stop_after_steps=2)
    with pytest.raises(StaleOutputError, match=r"another mixture .*fingerprint is \w+ there, \w+ here; num_samples is 24 there, 28 here"):
        train(config, data=MemoryMixture(num_samples=28))


def test_other_settings_are_refused_and_what_differs_is_said(make_config, mixture):
    config = make_config()
    train(config, data=mixture, stop_after_steps=2)
    changed = make_config(optimizer={"peak_lr": 2e-2}, seed=18)
    with pytest.raises(StaleOutputError, match=r"optimizer\.peak_lr is 0\.01 there, 0\.02 here; seed is 17 there, 18 here"):
        train(changed, data=mixture)


def test_where_and_how_a_run_is_computed_may_change(make_config, mixture, tmp_path):
    config = make_config()
    train(config, data=mixture, stop_after_steps=2)
    (tmp_path / "run").rename(tmp_path / "moved")
    other = make_config(output=str(tmp_path / "moved"), mixture=str(tmp_path / "elsewhere"), micro_batch_samples=3, keep_checkpoints=1)
    assert train(other, data=mixture)["finished"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_the_next_run_ends_with_the_same_bytes(make_config, tmp_path, mixture, number):
    whole, stopped = make_config(output=str(tmp_path / "whole")), make_config()
    train(whole, data=mixture)

    def interrupt(record):
        if record["kind"] == "step" and record["step"] == 2:
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with pytest.raises(InterruptedRunError, match=rf"{number.name} after step 2 of 6; saved as .*step-00000002; run it again"):
        train(stopped, data=mixture, report=interrupt)
    assert signal.getsignal(number) == before
    train(stopped, data=mixture)
    assert files_of(last_checkpoint(stopped)) == files_of(last_checkpoint(whole))


def test_a_signal_inside_a_step_drops_that_step_only(make_config, tmp_path, mixture, monkeypatch):
    whole, stopped = make_config(output=str(tmp_path / "whole")), make_config()
    train(whole, data=mixture)
    calls = []

    def forward(*arguments, **options):
        calls.append(1)
        if len(calls) == 5:  # the first of the third step's two micro-batches
            os.kill(os.getpid(), signal.SIGTERM)
        return real(*arguments, **options)

    real = loop.forward
    with monkeypatch.context() as patch:
        patch.setattr(loop, "forward", forward)
        with pytest.raises(InterruptedRunError, match="SIGTERM after step 2 of 6"):
            train(stopped, data=mixture)
    assert len(calls) == 5
    train(stopped, data=mixture)
    assert losses(stopped) == losses(whole)
    assert files_of(last_checkpoint(stopped)) == files_of(last_checkpoint(whole))


def test_training_works_outside_the_main_thread(make_config, mixture):
    results = []
    thread = threading.Thread(target=lambda: results.append(train(make_config(), data=mixture)))
    thread.start()
    thread.join()
    assert results[0]["finished"]


def test_two_runs_in_one_folder_are_refused(make_config, mixture):
    config = make_config()
    with locked(config.output), pytest.raises(LockedError, match="works here"):
        train(config, data=mixture)


def test_training_leaves_the_callers_random_numbers_alone(make_config, mixture):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    train(make_config(), data=mixture)
    assert torch.equal(torch.rand(3), expected)


def test_a_run_can_begin_with_the_weights_of_another(make_config, tmp_path, mixture):
    base = make_config(output=str(tmp_path / "base"))
    train(base, data=mixture)
    config = make_config(initial_checkpoint=str(last_checkpoint(base)), optimizer={"peak_lr": 1e-12, "weight_decay": 0.0})
    train(config, data=mixture, stop_after_steps=1)
    here, there = (open_checkpoint(last_checkpoint(run)).tensors("model") for run in (config, base))
    assert all(torch.allclose(here[name], there[name], atol=1e-9) for name in there)


def test_weights_of_another_model_are_refused_by_name_and_shape(make_config, tmp_path, mixture):
    base = make_config(output=str(tmp_path / "base"))
    train(base, data=mixture, stop_after_steps=1)
    wider = make_config(initial_checkpoint=str(last_checkpoint(base)), model={**base.model.model_dump(), "ffn_size": 32})
    with pytest.raises(DataError, match=r"mlp\.down_proj\.weight has shape \[16, 24\] there, \[16, 32\] in the configured model"):
        train(wider, data=mixture)
