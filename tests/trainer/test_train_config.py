"""The training file: presets, paths, and errors that say where."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from mathcode_data.core.errors import ConfigError
from mathcode_data.trainer.config import ModelConfig, TrainConfig, load_train_config


def write(tmp_path, text):
    path = tmp_path / "train.yaml"
    path.write_text(text)
    return path


def test_a_short_file_gives_deepseeks_recipe_and_paths_beside_the_file(tmp_path):
    path = write(tmp_path, "mixture: ../mix\noutput: run\nmodel: dsm-1.3b\nglobal_batch_tokens: 4M\ndtype: bfloat16\n")
    config = load_train_config(path)
    assert config.mixture.resolve() == (tmp_path.parent / "mix").resolve()
    assert config.output == tmp_path / "run"
    adam = config.optimizer
    assert (adam.beta1, adam.beta2, adam.weight_decay, adam.clip_norm) == (0.9, 0.95, 0.1, 1.0)
    assert config.schedule.drops == ((0.8, 0.316), (0.9, 0.1))
    assert config.schedule.warmup_steps == 2000
    assert config.batch_samples(4096) == 976  # 4,000,000 / 4096 = 976.6, rounded down


def test_keys_beside_a_preset_replace_its_numbers():
    model = ModelConfig.model_validate({"preset": "dsm-1m", "vocab_size": 8192})
    assert (model.vocab_size, model.hidden_size, model.num_kv_heads) == (8192, 128, 4)


def test_a_name_stands_for_the_way_that_data_is_divided(make_config):
    assert make_config(parallel="fsdp").parallel == make_config(parallel={"data": "fsdp", "tensor": 1}).parallel
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        make_config(parallel={"tensor": 0})


def test_the_loaded_model_survives_a_round_trip_through_json(make_config):
    config = make_config()
    assert TrainConfig.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(("line", "message"), [
    ("model: dsm-1.3", r"train\.yaml:3:1: model: no model preset 'dsm-1\.3'; did you mean 'dsm-1\.3b'"),
    ("model: dsm-1m\nmicro_batch: 4", r"train\.yaml:4:1: unknown key 'micro_batch'; did you mean 'micro_batch_samples'"),
    ("model: dsm-1m\nschedule: {kind: linear}", r"train\.yaml:4:1: schedule: .*multi_step.*"),
    ("model: {preset: dsm-1m, num_heads: 3}", r"hidden_size 128 must be an even multiple of num_heads 3"),
    ("model: {preset: dsm-1m, num_kv_heads: 3}", r"num_kv_heads 3 must divide num_heads 4"),
    ("model: dsm-1m\nglobal_batch_tokens: 4096", "give one of global_batch_samples and global_batch_tokens"),
    ("model: dsm-1m\nschedule: {kind: multi_step, drops: [[0.9, 0.1], [0.8, 0.3]]}", "drops must be at rising shares"),
])  # fmt: skip
def test_a_wrong_file_is_refused_with_place_and_advice(tmp_path, line, message):
    path = write(tmp_path, f"mixture: mix\noutput: run\n{line}\nglobal_batch_samples: 8\n")
    with pytest.raises(ConfigError, match=message):
        load_train_config(path)


def test_a_batch_smaller_than_a_sample_is_refused(make_config):
    config = make_config(global_batch_samples=None, global_batch_tokens=10)
    with pytest.raises(ValueError, match="global_batch_tokens 10 is less than a sample of 16 tokens"):
        config.batch_samples(16)


def test_configurations_are_frozen(make_config):
    with pytest.raises(ValidationError, match="frozen"):
        make_config().seed = 3


def test_reading_a_configuration_loads_no_torch():
    code = "import sys, mathcode_data.trainer.config; sys.exit('torch' in sys.modules or 'pyarrow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
