"""Keys and passwords come from the environment, and stand in no message, log, manifest or record."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.secrets import masked, refuse_secrets, refuse_words, without_secrets
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
    f"s3://AKIA:wJalrXUtnFEMI/K7MDENG/{PASSWORD}@bucket/x", f"http://bob:pass/{PASSWORD}@127.0.0.1:9/", f"http://bob:pa?{PASSWORD}@h/",
    f"http://bob:#{PASSWORD}@h/index", f"https://u%3A{PASSWORD}@a.example/x", "https://" + PASSWORD.replace("-very-", "7") + "@a.example",
    *(f"https://a.example/x?a=1&{name}={PASSWORD}" for name in ("pwd", "auth", "jwt", "session", "session_id", "id_token", "code")),
    f"https://a.example/x#access_token={PASSWORD}", f"https://a.example/x#a=1&id_token={PASSWORD}", f"https://a.example/x;token={PASSWORD}",
    f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{PASSWORD}", f"//bob:{PASSWORD}@a.example/x", f"proxy=//bob:{PASSWORD}@a.example:8080",
    f"https://a.example/x?a=1&pass={PASSWORD}", f"https://hooks.slack.com/services/T0123/B0123/{PASSWORD}",
    f"npm_{PASSWORD.replace('-', '')}0123456789012345", f"pypi-AgEIcHlwaS5vcmcCJ0123456789abcdef{PASSWORD}", f"ya29.a0{PASSWORD}",
    f"GOCSPX-{PASSWORD}-0123", f"-----BEGIN RSA PRIVATE KEY-----\nMIIEow{PASSWORD}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNz{PASSWORD}", f"-----BEGIN PGP PRIVATE KEY BLOCK-----\\n{PASSWORD}",
]  # fmt: skip
ORDINARY = [
    "https://medium.com/@name/post", "https://host/path:8080/x@2x.png", "https://host:8080/x@2x.png", "https://host:8080?q=a@b",
    "https://[2001:db8::1]:8080/x@y", "https://www.flickr.com/photos/12345678@N00/9", "https://cdn.example/npm/katex@0.16.9/katex.css",
    "https://www.google.com/maps/@48.8584,2.2945,17z", "https://web.archive.org/web/2015id_/http://a.example:8080/x@y",
    "https://a.example/a:b/c@d", "ssh://git@github.com:22/x@y", "ssh://deploy2024@host/x", "git@github.com:org/repo.git",
    "mailto:someone@example.org", "https://a.example/x?session=3&code=MATH101&author=x&authority=1", "https://a.example/?tokens=5&token_count=3",
    "s3://bucket/a@b:c", "https://a.example/@user:x@", "https://a.example/?q=a:b@c", "https://user@a.example/x", "no url: a:b@c",
    "task-sk-learn-and-other-words", "s3://bucket/hf_model", "https://a.example/?keyboard=de&monkey=1", "eyJ is how base64 of {\" begins",
    "https://a.example/list?pageToken=CAUQAA012345&nextPageToken=x&key=value", "https://a.example/?key=Q42&pass=2",
    "//cdn.example:8080/x@2x.png",
    "// a comment: a@b", "https://hooks.slack.com/", "-----BEGIN PUBLIC KEY-----", "npm_config_registry_of_a_very_long_name", "pypi-mirror",
    "//a.example/@name/post", "the password is wrong: again", "--tokens 5 --token-count 3",
    "unexpected token: eos_token: </s>", '{"eos_token": "</s>", "file_token": 3}', "--set seed=3", "image:latest@sha256",
]  # fmt: skip
"""Addresses and words in which a sign of a secret means something else."""


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


@pytest.mark.parametrize("url", ORDINARY)
def test_what_only_looks_like_a_secret_is_left_alone(url: str):
    assert without_secrets(url) == url
    assert masked(f"{url}: no answer") == f"{url}: no answer"
    refuse_secrets({"paths": [url]}, "x.yaml")


@pytest.mark.parametrize("text", [
    f"found {{'token': ['{PASSWORD}', 'x']}}, a number is wanted", f"found {{'api_key': '{PASSWORD}'}}", f'{{"hf_token": "{PASSWORD}"}}',
    f"--set token: {PASSWORD}: write --set key=value", f"--set stages.x.client_secret={PASSWORD}: no key", f"password={PASSWORD}",
    f"password: {PASSWORD}", f"DB_PASSWORD: {PASSWORD}", f"PGPASSWORD={PASSWORD} psql", f"MYSQL_PWD={PASSWORD}", f"--hf-token {PASSWORD}",
    f"api key: {PASSWORD}", f"--password={PASSWORD}",
])  # fmt: skip
def test_a_value_that_was_found_under_a_secret_name_is_not_shown(text: str):
    assert PASSWORD not in masked(text)


@pytest.mark.parametrize("words", [
    ("run", f"user:{PASSWORD}@host/a.yaml"), ("run", "a.yaml", "--set", f"token: {PASSWORD}"),
    ("run", "a.yaml", "--set", f"output=user:{PASSWORD}@host/x"), ("inspect", f"s3://AKIAIOSFODNN7EXAMPLE:wJalr/{PASSWORD}@bucket/x"),
])  # fmt: skip
def test_a_secret_anywhere_on_the_command_line_is_not_shown(tmp_path: Path, words: tuple[str, ...]):
    path = make_toy(tmp_path)
    done = call(*(path if word == "a.yaml" else word for word in words))
    assert done.returncode == 2
    assert PASSWORD not in done.stderr + done.stdout
    assert "***" in done.stderr


def test_a_list_under_a_secret_name_is_refused_in_a_file_too(tmp_path: Path):
    path = make_toy(tmp_path)
    path.write_text(path.read_text().replace("seed: 1", f"seed: {{token: [{PASSWORD}]}}"))
    with pytest.raises(ConfigError, match="option 'token' is named like a secret") as caught:
        load_pipeline(path)
    assert PASSWORD not in str(caught.value)


def test_the_search_for_secrets_takes_time_in_proportion_to_the_text():
    """A word of 200,000 letters took two minutes; a slow machine does a megabyte in seconds."""
    for text in (
        "a" * 400_000,
        "http://" + "a" * 400_000,
        "a_" * 200_000,
        "?" + "a-" * 200_000,
        "--" + "a-" * 200_000,
        "//" * 200_000,
        "-----BEGIN PRIVATE KEY-----" * 20_000,
        "npm_" * 100_000,
    ):
        assert masked(text) == text


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


@pytest.mark.parametrize(
    "word",
    [
        "stages.web.contact=mailto:crawl@maths-lab.de", "mailto:a@b.org", "host:8080/x@y", "C:/data/a@b.parquet", "12:30@room",
        "note:1@2.txt", "precision:0.9@k is", "image:tag@sha256:0123456789abcdef0123", "registry:5000/a@sha256:0123",
        "C:\\Users\\me@corp\\x",
    ],
)  # fmt: skip
def test_words_of_a_command_line_with_a_colon_and_an_at_sign_are_no_passwords(word: str):
    refuse_words([word])


@pytest.mark.parametrize(
    "name", ["pwd", "accessToken", "account_key", "access_key", "oauth_token", "clientSecret", "id_token", "connection_string"]
)
def test_an_option_named_like_a_secret_is_refused_in_any_spelling(name: str):
    with pytest.raises(ConfigError, match="named like a secret"):
        refuse_secrets({name: "value"}, "here")
