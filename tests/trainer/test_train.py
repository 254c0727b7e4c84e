"""The training loop: it learns, it counts exactly, and its result does not depend on how it is computed."""

from __future__ import annotations

import logging
import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close
from trainer.memory_mixture import MemoryMixture

from mathcode_data.core.errors import ConfigError, VerificationError
from mathcode_data.core.storage import read_json
from mathcode_data.trainer import __main__ as command
from mathcode_data.trainer import loop
from mathcode_data.trainer.checkpoint import open_checkpoint
from mathcode_data.trainer.export import export_huggingface
from mathcode_data.trainer.loop import train
from mathcode_data.trainer.metrics import MetricsLog
from mathcode_data.trainer.optimizer import build_optimizer
from mathcode_data.trainer.tensor_file import read_tensors


def steps_of(config):
    return [record for record in MetricsLog(config.output / "metrics.jsonl").read() if record["kind"] == "step"]


def test_a_repeated_sequence_is_learnt_by_heart(make_config):
    class Repeated(MemoryMixture):
        def batch(self, positions):
            return super().batch(np.zeros(len(positions), dtype=np.int64))

    config = make_config(optimizer={"peak_lr": 2e-2, "weight_decay": 0.0}, schedule={"kind": "wsd", "warmup_steps": 3})
    summary = train(config, data=Repeated(num_samples=4 * 60))
    assert summary["first_loss"] == pytest.approx(math.log(32), abs=0.15), "an untrained model knows nothing"
    assert summary["last_loss"] < 0.05


def test_every_sample_is_read_once_and_in_order(make_config):
    data = MemoryMixture(num_samples=22)
    summary = train(make_config(), data=data)
    assert data.asked == list(range(22))
    assert (summary["steps"], summary["tokens"], summary["finished"]) == (6, 22 * 16, True)


def test_max_tokens_stops_at_whole_samples(make_config, mixture):
    summary = train(make_config(max_tokens=16 * 10 + 3), data=mixture)
    assert (summary["steps"], summary["tokens"]) == (3, 160)


def test_loss_per_source_averages_to_the_loss(make_config):
    config = make_config(global_batch_samples=5)
    train(config, data=MemoryMixture(sources=("code", "math", "text")))
    for record in steps_of(config):
        weighted = sum(record["loss_per_source"][name] * record["tokens_per_source"][name] for name in record["loss_per_source"])
        assert weighted / sum(record["tokens_per_source"].values()) == pytest.approx(record["loss"], rel=1e-12)
    seen = {name: sum(record["tokens_per_source"].get(name, 0) for record in steps_of(config)) for name in ("code", "math", "text")}
    assert seen == {"code": 128, "math": 128, "text": 128}


def test_micro_batches_change_the_result_by_rounding_only(make_config, tmp_path):
    runs = {}
    for micro in (1, 3, 4):
        config = make_config(micro_batch_samples=micro, output=str(tmp_path / f"micro-{micro}"))
        train(config, data=MemoryMixture())
        runs[micro] = [record["loss"] for record in steps_of(config)]
    for micro in (1, 3):
        # the first loss differs by the order of float32 sums (1e-7 each); Adam divides a gradient by its own size, so where a
        # gradient is nearly 0 its rounding error is not small beside it, and later steps drift further apart
        assert runs[micro][0] == pytest.approx(runs[4][0], rel=1e-6)
        assert runs[micro] == pytest.approx(runs[4], rel=1e-4)


def test_a_short_last_step_weighs_its_tokens_as_all_others(make_config, tmp_path):
    gradients = []
    for num_samples in (2, 4):  # a step of 4 with only 2 there, and a full one
        config = make_config(output=str(tmp_path / str(num_samples)), optimizer={"clip_norm": None, "peak_lr": 1e-2})
        config = config.model_copy(update={"schedule": config.schedule.model_copy(update={"warmup_steps": 0})})
        train(config, data=MemoryMixture(num_samples=num_samples))
        gradients.append(steps_of(config)[0]["grad_norm"])
    assert gradients[0] < gradients[1], "half the tokens, so the sum of gradients is smaller"


def test_learning_rates_of_a_run_follow_its_schedule(make_config):
    config = make_config(schedule={"kind": "multi_step", "warmup_steps": 2})
    train(config, data=MemoryMixture(num_samples=40))
    assert [record["lr"] for record in steps_of(config)] == pytest.approx([0.005, *[0.01] * 7, 0.00316, 0.001])


def test_held_out_loss_is_measured_at_the_end_and_where_a_stage_ends(make_config):
    data = MemoryMixture(stages=[{"first_sample": 0, "name": "code"}, {"first_sample": 10, "name": "math"}])
    config = make_config()
    summary = train(config, data=data)
    found = [record for record in MetricsLog(config.output / "metrics.jsonl").read() if record["kind"] == "evaluation"]
    assert [record["step"] for record in found] == [3, 6]  # sample 10 is in the third step
    assert found[-1]["held_out"] == summary["held_out"]
    for source in ("code", "math"):
        entry = summary["held_out"][source]
        assert entry["tokens"] == 4 * 16
        assert entry["bits_per_byte"] == pytest.approx(entry["loss"] / math.log(2) / 4.0)


def test_a_loss_that_is_not_finite_stops_before_the_step_and_names_the_samples(make_config, mixture):
    config = make_config(optimizer={"peak_lr": 1e30, "clip_norm": None}, schedule={"kind": "multi_step", "warmup_steps": 0})
    with pytest.raises(VerificationError, match=r"step (\d+): loss .* not finite, the step was not taken\. Mixture positions \d+\.\.\d+"):
        train(config, data=mixture)
    report = read_json(config.output / "stopped_step.json")
    assert report["first_position"] == (report["step"] - 1) * 4
    assert report["last_position"] == report["first_position"] + 3
    batch = np.load(config.output / "stopped_batch.npy")
    assert (batch == mixture.batch(range(report["first_position"], report["last_position"] + 1))[0]).all()
    assert not (config.output / "checkpoints").exists(), "nothing broken is saved"


def test_norm_weights_do_not_decay():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False), torch.nn.RMSNorm(2))
    from mathcode_data.trainer.config import OptimizerConfig

    groups = build_optimizer(model, OptimizerConfig()).param_groups
    assert [(group["weight_decay"], [p.dim() for p in group["params"]]) for group in groups] == [(0.1, [2]), (0.0, [1])]


def test_several_processes_without_torchruns_variables_are_refused(make_config, mixture, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="WORLD_SIZE is 2 but RANK, LOCAL_RANK, MASTER_ADDR, MASTER_PORT not set; start it with torchrun"):
        train(make_config(), data=mixture)


class Jump(MemoryMixture):
    """From position 60 on, 4 samples are noise."""

    def batch(self, positions):
        rows, *rest = super().batch(positions)
        noisy = (np.asarray(positions) >= 60) & (np.asarray(positions) < 64)
        rows = np.where(noisy[:, None], np.random.default_rng(0).integers(0, 32, rows.shape), np.full_like(rows, 3))
        return rows, *rest


def test_an_outstanding_loss_stops_before_its_step_also_after_a_resume(make_config, tmp_path):
    values = {"spike_guard": {"window_steps": 4}, "schedule": {"kind": "multi_step", "warmup_steps": 1}}
    messages = []
    for name, stop_after in (("whole", None), ("parts", 13)):
        config = make_config(output=str(tmp_path / name), **values)
        if stop_after is not None:
            train(config, data=Jump(num_samples=80), stop_after_steps=stop_after)
        with pytest.raises(VerificationError, match=r"step 16: loss .* above .* the last 4 losses and 8 standard deviations") as error:
            train(config, data=Jump(num_samples=80))
        messages.append(str(error.value).partition("Mixture")[0])
    assert messages[0] == messages[1]
    stages = [{"first_sample": 0, "name": "a"}, {"first_sample": 60, "name": "b"}]
    config = make_config(output=str(tmp_path / "stages"), **values)
    assert train(config, data=Jump(num_samples=80, stages=stages))["finished"], "a new stage may have another loss"


def test_z_loss_is_in_the_gradient_and_not_in_the_reported_loss(make_config, tmp_path):
    runs = {}
    for z_loss in (0.0, 0.1):
        config = make_config(output=str(tmp_path / str(z_loss)), z_loss=z_loss)
        train(config, data=MemoryMixture(), stop_after_steps=2)
        runs[z_loss] = steps_of(config)
    assert runs[0.0][0]["loss"] == runs[0.1][0]["loss"], "the first step begins with the same weights"
    assert runs[0.0][0]["grad_norm"] != runs[0.1][0]["grad_norm"]


GOLDEN = [
    3.478675444, 3.444584552, 3.380290825, 3.343369719, 3.293832015, 3.292899042, 3.30485379, 3.230025541, 3.18760892, 3.211299792,
    3.17374713, 3.139163394, 3.097012062, 3.038838189, 3.03450381, 2.989471205, 2.950831082, 2.954449326, 2.952888168, 2.916395005,
]  # fmt: skip


def test_the_golden_loss_curve_of_twenty_steps(make_config, mixture):
    config = make_config(optimizer={"peak_lr": 3e-3})
    train(config, data=MemoryMixture(num_samples=80))
    assert [record["loss"] for record in steps_of(config)] == pytest.approx(GOLDEN, abs=1e-6)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_an_error(make_config, mixture):
    with pytest.raises(ConfigError, match="device: cuda is asked for, but torch finds no GPU"):
        train(make_config(device="cuda"), data=mixture)


def test_the_export_has_hugging_faces_names_and_the_same_numbers(make_config, tmp_path, mixture):
    config = make_config(model={**make_config().model.model_dump(), "num_heads": 4, "num_kv_heads": 2})
    summary = train(config, data=mixture, stop_after_steps=2)
    folder = export_huggingface(checkpoint_of(summary), tmp_path / "hf")
    found, ours = read_tensors(folder / "model.safetensors"), open_checkpoint(checkpoint_of(summary)).tensors("model")
    layer = "model.layers.1.self_attn."
    assert [tuple(found[f"{layer}{part}_proj.weight"].shape) for part in "qkvo"] == [(16, 16), (8, 16), (8, 16), (16, 16)]
    packed = torch.cat([found[f"{layer}{part}_proj.weight"] for part in "qkv"])
    assert_close(packed, ours[f"{layer}qkv_proj.weight"], atol=0, rtol=0)
    settings = read_json(folder / "config.json")
    assert (settings["architectures"], settings["num_key_value_heads"]) == (["LlamaForCausalLM"], 2)
    assert settings["max_position_embeddings"] == 16
    with pytest.raises(ConfigError, match="hf exists"):
        export_huggingface(checkpoint_of(summary), folder)


def checkpoint_of(summary):
    from pathlib import Path

    return Path(summary["checkpoint"])


def test_the_command_trains_prints_json_and_gives_exit_codes(tmp_path, monkeypatch, caplog, capfdbinary):
    monkeypatch.setattr(loop, "_open_mixture", lambda folder: MemoryMixture())
    path = tmp_path / "train.yaml"
    path.write_text(
        "mixture: mix\noutput: run\nglobal_batch_samples: 4\nschedule: {kind: cosine, warmup_steps: 1}\ndevice: cpu\n"
        "model: {vocab_size: 32, hidden_size: 16, num_layers: 1, num_heads: 2, ffn_size: 24}\n"
    )
    with caplog.at_level(logging.INFO):
        assert command.main([str(path), "--json", "--stop-after-steps", "2"]) == 0
    assert b'"steps": 2' in capfdbinary.readouterr().out
    assert any("step 2" in message and "code" in message for message in caplog.messages)
    assert command.main([str(tmp_path / "absent.yaml")]) == 2
    monkeypatch.setattr(loop, "_open_mixture", lambda folder: MemoryMixture(seed=1))
    assert command.main([str(path)]) == 2, "another mixture"
