"""review: every act is in the file before it is answered, and only the page with the token may act."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.review.candidates import Review, decisions_beside, find_domains
from mathcode_data.stages.select.domains_decisions import decide, read_decisions
from support.command import call
from support.review import HOSTILE, domains_result, serving
from support.stages import documents, make_result


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return domains_result(tmp_path_factory.mktemp("domains"))


def ask(address, body=None, **headers):
    data = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
    request = urllib.request.Request(
        address, data, {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=100) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


def test_acts_are_written_at_once_replayed_and_undone(result, tmp_path):
    file = tmp_path / "new" / "decisions.jsonl"
    with serving(result, file, "Ann") as server:
        rows = json.loads(ask(server.address + "rows")[1])
        assert rows["state"] == [None] * len(rows["rows"])
        names = [row["name"] for row in rows["rows"]]
        at = {name: number for number, name in enumerate(names)}
        assert {"whole.example", "mixed.example", "mixed.example/math/", "mixed.example/physics/", "odd.example"} <= set(names)
        assert not any("shop" in name for name in names)
        for name, decision in (("whole.example", "accept"), ("mixed.example/math/", "reject"), ("whole.example", "reject")):
            status, answer, _ = ask(server.address + "act", {"row": at[name], "decision": decision})
            assert (status, json.loads(answer)["state"][at[name]]) == (200, decision)
            assert decide(read_decisions(file)).places, "the act is in the file when it is answered"
        assert json.loads(ask(server.address + "undo", {})[1])["state"][at["whole.example"]] == "accept"
        json.loads(ask(server.address + "undo", {})[1])
        json.loads(ask(server.address + "undo", {})[1])
        last = json.loads(ask(server.address + "undo", {})[1])
        assert last["row"] is None
        assert last["state"] == [None] * len(names)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == 6
    assert {line["by"] for line in lines} == {"Ann"}
    assert Review(result, file).state() == [None] * len(names)


def test_what_was_written_by_hand_stays_and_counts(result, tmp_path):
    file = tmp_path / "decisions.jsonl"
    file.write_text('# by hand\n{"decision": "accept", "domain": "whole.example"}')
    review = Review(result, file)
    at = [row["name"] for row in review.rows()].index("whole.example")
    assert review.state()[at] == "accept"
    review.act(at, "reject")
    assert file.read_text().startswith("# by hand\n")
    assert review.state()[at] == "reject"
    file.write_text("{oops\n")
    with pytest.raises(DataError, match=r"decisions\.jsonl:1:"):
        Review(result, file)


@pytest.mark.parametrize(
    ("way", "body", "headers", "status"),
    [
        ("rows", None, {"Host": "evil.example"}, 403),
        ("act", {"row": 0, "decision": "accept"}, {"Origin": "https://evil.example"}, 403),
        ("act", {"row": 0, "decision": "accept"}, {"Content_Type": "text/plain"}, 403),
        ("act", {"row": 99, "decision": "accept"}, {}, 400),
        ("act", {"row": -1, "decision": "accept"}, {}, 400),
        ("act", {"row": 0, "decision": "delete"}, {}, 400),
        ("act", b"{", {}, 400),
        ("act", b"[1]", {}, 400),
        ("act", b" " * 20_000, {}, 413),
        ("samples/99", None, {}, 404),
        ("../../etc/passwd", None, {}, 404),
    ],
)
def test_anything_else_is_refused_and_writes_nothing(result, tmp_path, way, body, headers, status):
    with serving(result, tmp_path / "d.jsonl") as server:
        assert ask(server.address + way, body, **headers)[0] == status
        assert ask(server.address.replace(server.token, "x" * len(server.token)) + "rows")[0] == 403
        assert server.server_address[0] == "127.0.0.1"
    assert not (tmp_path / "d.jsonl").exists()


def test_the_page_forbids_what_it_does_not_need(result, tmp_path):
    with serving(result, tmp_path / "d.jsonl") as server:
        status, content, headers = ask(server.address)
        assert status == 200
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert b"http://" not in content.replace(b"http://www.w3.org/2000/svg", b"")
        assert b"https://" not in content
        assert HOSTILE.encode() not in content
        samples = json.loads(ask(server.address + "samples/0")[1])
        assert all("\u202e" not in sample["text"] for sample in samples)


def test_the_latest_round_is_found_and_the_file_is_where_recall_looks(result):
    assert find_domains(result.folder.parent).folder == result.folder
    assert decisions_beside(result) == result.folder.parent / "decisions" / "round-01.jsonl"
    other = make_result(result.folder.parent / "pages", [documents(["a"])])
    with pytest.raises(ConfigError, match="a documents result"):
        find_domains(other.folder)


def test_the_command_names_what_is_wrong(tmp_path):
    done = call("review", tmp_path / "nowhere")
    assert done.returncode == 2
    assert "nowhere" in done.stderr
