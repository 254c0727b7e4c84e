"""redact.secrets: what is replaced, what is left, and that no secret leaks."""

from __future__ import annotations

import importlib.util
import json
import string
import time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.errors import SetupError
from mathcode_data.core.plugins import load_plugin
from mathcode_data.stages.redact.secret_scan import MAX_WINDOW, _windows
from mathcode_data.stages.redact.secrets import Config, redact
from support.engine import run
from support.stages import documents, make_config, run_map

pytestmark = pytest.mark.skipif(importlib.util.find_spec("detect_secrets") is None, reason="needs detect-secrets")

# put together here, so that no scanner takes this file for a leak
AWS = "AKIA" + "IOSFODNN7EXAMPLE"
GITHUB = "ghp_" + "aB3" * 12
SLACK = "xox" + "b-123456789012-abcdef0123"
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
STRIPE = "sk_" + "live_" + "a1" * 12
AZURE = "a1+/" * 22
MIXED = "aB3dE5gH7jK9mN1pQ2sT4vW6"
HUGGING_FACE, OPENAI, ANTHROPIC = "hf_" + MIXED + MIXED[:10], "sk-" + "proj-" + MIXED * 2, "sk-" + "ant-api03-" + MIXED * 3
GOOGLE, GITHUB_FINE = "AIza" + MIXED + MIXED[:11], "github_" + "pat_" + MIXED[:22] + "_" + MIXED * 2
NPM = "npm_" + MIXED + MIXED[:12]
PEM_BODY = "\nMIIEpAIBAAKCAQEA75abcdefgh\n0123456789abcdefghijkl==\n"
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----" + PEM_BODY + "-----END RSA " + "PRIVATE KEY-----"


def clean(text, language="Python", **values):
    return redact(text, language, Config(**values))[0]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f'key = "{AWS}"', AWS),
        (f"curl -H 'Authorization: token {GITHUB}'", GITHUB),
        (f"post({SLACK!r})", SLACK),
        (f"bearer = '{JWT}'", JWT),
        (f"stripe.api_key = '{STRIPE}'", STRIPE),
        (f"DefaultEndpointsProtocol=https;AccountKey={AZURE}", AZURE),
        (f"pem = '''{PEM}'''", PEM_BODY),
        (r'k = "-----BEGIN PRIVATE ' + r'KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n"', "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"),
        ('url = "https://bob:Tr0ub4dor3@host.com/x"', "Tr0ub4dor3"),
        ('password = "hunter2"', "hunter2"),
        ('api_key: "s3cr3tV4lu3here"', "s3cr3tV4lu3here"),
        ('secret_key = "a8f5f167f44f4964e6c998dee827110c"', "a8f5f167f44f4964e6c998dee827110c"),
        ('x' * 200_000 + f' = "{AWS}"', AWS),
        *((f"login('{token}')", token) for token in (HUGGING_FACE, OPENAI, ANTHROPIC, GOOGLE, GITHUB_FINE, NPM)),
        (f'const npm = "{NPM}"', NPM),
    ],
)  # fmt: skip
def test_credentials_are_replaced(text, secret):
    done, counts = redact(text, "Python", Config())
    assert secret not in done
    assert sum(counts[kind] for kind in ("KEY", "PRIVATE_KEY")) == 1
    assert clean(done) == done, "a second time changes nothing"


def test_values_without_quotes_count_in_files_of_settings():
    assert clean("password: tr0ub4dor3\n", "YAML") == "password: <KEY_1>\n"
    assert clean("export API_KEY=s3cr3tV4lu3\n", "Shell") == "export API_KEY=<KEY_1>\n"


@pytest.mark.parametrize(
    "text",
    [
        'password = os.environ["PASSWORD1"]',
        'password = "password"',
        'password = getpass("Password 1: ")',
        'api_key = "<your-api-key-1>"',
        'secret = f"{prefix}-{number1}"',
        'md5_token = "a8f5f167f44f4964e6c998dee827110c"',
        'integrity: "sha512-abcdefABCDEF0123456789abcdefABCDEF0123456789=="',
        'token = "identifier"',
        "def key_press(self, key1): return tokens1[key1]",
        'password = "changeme1"',
        "://user:{password1}@host",
        "redis://localhost:6379/0",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0B\n-----END PUBLIC KEY-----",
    ],
)
def test_what_is_no_credential_stays(text):
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Jane <jane.doe@uni-x.edu>, J. <j@y.co.uk>, jane.doe@uni-x.edu", "# Jane <<EMAIL_1>>, J. <<EMAIL_2>>, <EMAIL_1>"),
        ("mailto:a.b+c@firma.de.", "mailto:<EMAIL_1>."),
        ("https://bob:word@firma.de/x", "same"),
        (
            "a@example.org b@test.example.com git@github.com noreply@github.com",
            "a@example.org b@test.example.com git@github.com noreply@github.com",
        ),
        ("y = w@x.T + a@b.shape[0] + c@d.to(e)", "y = w@x.T + a@b.shape[0] + c@d.to(e)"),
        ("@app.route @property user@localhost", "@app.route @property user@localhost"),
        ("host 93.184.216.34:80", "host <IP_ADDRESS_1>:80"),
        ('"203.119.1.7", "203.119.1.7"', '"<IP_ADDRESS_1>", "<IP_ADDRESS_1>"'),
        ("127.0.0.1 10.1.2.3 192.168.0.1 172.16.5.5 169.254.1.1 0.0.0.0 255.255.255.0", "same"),
        ("192.0.2.1 198.51.100.7 203.0.113.9 224.0.0.1 8.8.8.8", "same"),
        ('v1.2.3.4 version = "93.184.216.34" requests==2.31.0.1 (see 1.2.3.4)', "same"),
        ("1.3.6.1.4.1.311 93.184.216.345 1.93.184.216.34", "same"),
        ("ping 5.6.7.8", "ping <IP_ADDRESS_1>"),
        ("http://5.6.7.8/", "http://<IP_ADDRESS_1>/"),
        (
            "[2606:4700::6810:85e5]:443 2001:db8::1 fe80::1 ::1 std::a::b 2023:10:11",
            "[<IP_ADDRESS_1>]:443 2001:db8::1 fe80::1 ::1 std::a::b 2023:10:11",
        ),
    ],
)
def test_addresses_are_replaced_and_what_only_looks_like_them_is_not(text, expected):
    assert clean(text, secrets=False) == (text if expected == "same" else expected)


def test_placeholders_are_numbered_in_order_and_behind_those_that_stand_there():
    assert clean("b@uni-x.de a@uni-x.de b@uni-x.de <EMAIL_7>", secrets=False) == "<EMAIL_8> <EMAIL_9> <EMAIL_8> <EMAIL_7>"
    assert clean("b@uni-x.de a@uni-x.de", secrets=False, numbered=False) == "<EMAIL> <EMAIL>"
    assert clean(f'a = "{AWS}"\nuse("{AWS}")\n') == 'a = "<KEY_1>"\nuse("<KEY_1>")\n'


@given(
    before=st.text(string.printable, max_size=60),
    name=st.text(string.ascii_lowercase, min_size=1, max_size=9),
    after=st.text(string.printable, max_size=60),
)
def test_redacting_twice_is_redacting_once_and_a_token_never_stays(before, name, after):
    text = f"{before}\n{name}@uni-x.edu\n{GITHUB} 93.184.216.34\n{after}"
    once = clean(text)
    assert GITHUB not in once
    assert f"{name}@uni-x.edu" not in once
    assert clean(once) == once


@given(parts=st.lists(st.sampled_from(["password", "=", '"', "\n", " ", "a1", "x" * 300, "token", "://u:p@"]), max_size=60))
def test_windows_are_short_and_in_order(parts):
    text = "".join(parts)
    last = 0
    for start, end in _windows(text):
        assert last <= start < end <= len(text)
        assert end - start <= MAX_WINDOW + 600
        last = start


def test_hostile_text_takes_linear_time():
    for piece in ("password=", "a@", "1.", "-----BEGIN PRIVATE KEY-----", "eyJa", "2001:", 'secret="', "://a:b@", "a.b-c+d@e."):
        start = time.perf_counter()
        clean(piece * (100_000 // len(piece)))
        assert time.perf_counter() - start < 60, f"{piece!r}: 100 KB takes some seconds at most, also beside other work"


def test_columns_and_counters_hold_numbers_and_never_the_secret(tmp_path):
    table = documents([f'key = "{AWS}" # jane@uni-x.edu', "x = 1"], language=["Python", "Python"])
    out, ledger = run_map("redact.secrets", table)
    assert out["text"].to_pylist() == ['key = "<KEY_1>" # <EMAIL_1>', "x = 1"]
    assert out["score_secrets"].to_pylist() == [1.0, 0.0]
    assert out["score_addresses"].to_pylist() == [1.0, 0.0]
    assert dict(ledger.counters.facts) == {"redacted_key": 1, "redacted_email": 1, "documents_redacted": 1}
    empty, _ = run_map("redact.secrets", table.slice(0, 0))
    assert empty.schema == out.schema


def test_no_file_of_a_run_holds_the_secret_even_where_its_document_is_dropped(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/LICENSE").write_text("Permission is hereby granted, free of charge, to any person, without restriction\n")
    (tmp_path / "in/a.py").write_text(f'key = "{AWS}"\nmail = "jane@uni-x.edu"\n')
    (tmp_path / "in/b.py").write_text("value = 'some words'\n")
    pipeline = tmp_path / "p.yaml"
    stages = ["read.code: {paths: in}", "redact.secrets: {}", "select.threshold: {column: score_secrets, max: 0}"]
    pipeline.write_text("name: p\nseed: 1\noutput: out\nstages:\n" + "".join(f"  - {stage}\n" for stage in stages))
    run(pipeline)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    found = {path.name: path.read_bytes() for path in files}
    assert any("dropped" in name for name in found)
    for name, content in found.items():
        assert AWS.encode() not in content, name
        assert b"jane@uni-x.edu" not in content, name
    texts = [text for path in files if path.name.startswith("dropped") for text in pa.parquet.read_table(path)["text"].to_pylist()]
    assert texts == ['key = "<KEY_1>"\nmail = "<EMAIL_1>"\n']
    json.loads(found["manifest.json"])


def test_joined_documents_are_refused_because_their_places_would_move():
    table = documents(["x"], files=[[{"start": 0}]])
    with pytest.raises(SetupError, match=r"put redact\.secrets before arrange"):
        run_map("redact.secrets", table)


def test_without_detect_secrets_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    plugin = load_plugin("redact.secrets")
    with pytest.raises(SetupError, match=r"pip install 'mathcode-data\[code\]'"):
        plugin.build(make_config("redact.secrets"))
    plugin.build(make_config("redact.secrets", secrets=False))
