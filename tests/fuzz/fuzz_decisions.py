"""Files of decisions on domains: every line is a decision, or an error with its number."""

from mathcode_data.stages.select.domains_decisions import decide, read_decisions
from support.fuzzing import written


def seeds() -> list[bytes]:
    return [
        b'{"decision": "accept", "domain": "a.example"}\n# note\n'
        b'{"decision": "reject", "prefix": "https://www.b.example/x/%C3%A9?q", "at": "2026"}\n',
        '{"decision": "clear", "domain": "b\u00fccher.example"}\r\n\r\n'.encode(),
        b'\xef\xbb\xbf{"decision": "accept", "prefix": "[::1]:80/a//../b"}',
    ]


def read(data: bytes) -> None:
    decisions = read_decisions(written("decisions", "x.jsonl", data))
    assert len(decide(decisions).places) <= len(decisions)
