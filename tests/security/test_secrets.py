"""Keys and passwords come from the environment, and stand in no message, log, manifest or record."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.secrets import masked, refuse_secrets, without_secrets
from mathcode_data.mixture.recipe import load_recipe
from mathcode_data.runtime.pipeline import load_pipeline
from mathcode_data.shards.remote import RemotePath
from support.command import call
from support.engine import make_toy

PASSWORD = "hunter2-very-secret"
KEYS = {
    "AWS_SECRET_ACCESS_KEY": PASSWORD,
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEKEY",
    "HF_TOKEN": f"hf_{PASSWORD}",
    "AWS_SESSION_TOKEN": PASSWORD,
}
URLS = [
    f"s3://AKIA:{PASSWORD}@bucket/x", f"https://user:{PASSWORD}@a.example/x", f"https://:{PASSWORD}@a.example/x",
    f"https://b.s3.amazonaws.com/x?X-Amz-Signature={PASSWORD}&a=1", f"https://a.example/x?a=1&access_token={PASSWORD}",
    f"https://a.example/x?key={PASSWORD}", f"https://a.example/x?b=1&api_key={PASSWORD}", f"https://a.example/x?password={PASSWORD}",
    f"https://ghp_{PASSWORD.replace('-', '')}@a.example/x", f"https://{PASSWORD}-0123456789@a.example/x",
    f"Authorization: Bearer {PASSWORD}", f"git clone hf_{PASSWORD.replace('-', '')}",
]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
def test_a_url_with_a_secret_is_refused_in_every_file_without_showing_it(tmp_path: Path, url: str):
    for content, load in (
        (f"name: p\noutput: out\nstages:\n  - read.common_crawl: {{index: '{url}', base: '{url}'}}\n", load_pipeline),
        (f"name: p\noutput: '{url}'\nstages:\n  - read.jsonl: {{paths: x}}\n", load_pipeline),
        (
            f"name: m\nseed: 1\nsequence_length: 8\nsources:\n  a: {{shards: '{url}'}}\nstages:\n  - {{name: x, tokens: {{a: 8}}}}\n",
            load_recipe,
        ),
    ):
        path = tmp_path / "x.yaml"
        path.write_text(content)
        with pytest.raises(ConfigError, match="holds a password or a signature") as caught:
            load(path)
        assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("option", ["password", "api_key", "token", "client_secret", "hf_token", "Authorization"])
def test_an_option_named_like_a_secret_is_refused_without_its_value(tmp_path: Path, option: str):
    path = make_toy(tmp_path)
    path.write_text(path.read_text().replace("toy_map: {}", f"toy_map: {{{option}: {PASSWORD}}}"))
    with pytest.raises(ConfigError, match=rf"option '{option}' is named like a secret.*`{option}_variable`") as caught:
        load_pipeline(path)
    assert PASSWORD not in str(caught.value)
    refuse_secrets({"eos_token": "</s>", "file_token": "<f>", f"{option}_variable": "HF_TOKEN", option: None, "tokens": 3}, path)


@pytest.mark.parametrize("text", [
    "AKIAIOSFODNN7EXAMPLE", "ghp_0123456789abcdefghij", "github_pat_0123456789abcdefghij", "hf_abcdefghijklmnopqrst",
    "sk-proj-0123456789abcdefghij", "xoxb-0123456789-abcdef", "AIzaSy0123456789abcdefghij0123456789abc", "Bearer 0123456789abcdefghij",
])  # fmt: skip
def test_keys_are_known_by_their_shape(text: str):
    assert masked(f"401 for {text}: no") == f"401 for {'Bearer ' if 'Bearer' in text else ''}***: no"


@pytest.mark.parametrize("url", URLS)
def test_messages_show_no_secret_of_a_url(url: str):
    assert PASSWORD not in without_secrets(f"{url}: no answer")
    with pytest.raises(ConfigError) as caught:
        refuse_secrets({"a": [{"b": url}]}, "x.yaml")
    assert PASSWORD not in str(caught.value)


def test_a_signed_url_can_be_read_and_is_never_shown():
    path = RemotePath(URLS[3])
    assert path.url == URLS[3]
    assert PASSWORD not in str(path) + repr(path)
    assert pickle.loads(pickle.dumps(path)).url == URLS[3]
    with pytest.raises(ConfigError):
        RemotePath(URLS[0])


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/a@b:c", "https://a.example/@user:x@", "https://a.example/?q=a:b@c", "https://user@a.example/x", "no url: a:b@c",
        "task-sk-learn-and-other-words", "s3://bucket/hf_model", "https://a.example/?keyboard=de&monkey=1",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_secret_is_left_alone(url: str):
    assert without_secrets(url) == url


def test_no_file_of_a_run_holds_a_key_of_the_environment(tmp_path: Path):
    path = make_toy(tmp_path)
    done = call("run", path, env=KEYS)
    assert done.returncode == 0, done.stderr
    failed = call("run", make_toy(tmp_path / "bad", poison="tell"), env=KEYS)
    assert failed.returncode == 3
    assert "GET https://***@a.example/ with ***: 403; trying again" in failed.stderr
    partial = call("run", tmp_path / "bad" / "toy.yaml", "--max-failed-shards", "1", env=KEYS)
    assert partial.returncode == 3
    assert (tmp_path / "bad" / "out" / "sorted" / "manifest.json").read_text().count("https://***@a.example/"), "quarantined"
    shown = "".join(run.stdout + run.stderr for run in (done, failed, partial))
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) > 10
    for value in KEYS.values():
        assert value not in shown
        assert not [file for file in files if value.encode() in file.read_bytes()]


@pytest.mark.parametrize("command", ["inspect", "verify", "build-mixture"])
def test_a_password_on_the_command_line_is_refused_and_not_shown(command: str):
    done = call(command, "s3://AKID:TOPSECRET@bucket/mixture")
    assert done.returncode == 2
    assert "s3://***@bucket" in done.stderr
    assert "TOPSECRET" not in done.stderr + done.stdout
    done = call(command, "https://127.0.0.1:9/mixture?X-Amz-Signature=QSECRET")
    assert "QSECRET" not in done.stderr + done.stdout
