"""Pages to WARC 1.1: response, request and a metadata record of what was decided, one gzip member each (warcio).

Every address that came to its end leaves a metadata record, also a page that a site's signals or its status keep out and one
that was never asked for (robots.txt); only pages that are kept leave a response and its request. A body that was cut carries
WARC-Truncated, its digest is that of the bytes that are there. Chunk lines are gone, so Transfer-Encoding stands under another name.
"""

from __future__ import annotations

import os
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from mathcode_data.stages.crawl.fetch import Answer

RENAMED = {"transfer-encoding": "X-Archive-Orig-Transfer-Encoding"}
PROTOCOL = "WARC/1.1"


class WarcFile:
    """A WARC file that grows member by member; after a crash it is cut back to a known end."""

    def __init__(self, path: Path, agent: str, *, end: int = 0) -> None:
        """Open, and cut what stands behind `end`: the torn tail of a process that was killed."""
        self.path = path
        self._file = path.open("r+b" if path.exists() else "w+b")
        self._file.truncate(end)
        self._file.seek(end)
        self._writer = WARCWriter(self._file, gzip=True, warc_version="1.1")
        if not end:
            info = f"software: {agent}\r\nformat: WARC File Format 1.1\r\nrobots: obey\r\n".encode()
            record = self._writer.create_warc_record(
                "", "warcinfo", payload=BytesIO(info), length=len(info), warc_headers_dict={"WARC-Filename": path.name}
            )
            self._writer.write_record(record)

    def write(self, answer: Answer, decision: dict[str, Any], *, is_kept: bool) -> int:
        """Write what an answer leaves; returns the end of the file, everything before it handed to the system."""
        base = {"WARC-Date": answer.started_at} | ({"WARC-IP-Address": answer.address} if answer.address else {})
        related = {}
        if is_kept:
            body = answer.read()
            status, _, reason = answer.status_line.partition(" ")[2].partition(" ")
            headers = [(RENAMED.get(name.lower(), name), value) for name, value in answer.headers]
            http = StatusAndHeaders(f"{status} {reason}".strip(), headers, protocol=answer.status_line.partition(" ")[0])
            extra = {"WARC-Truncated": answer.truncated} if answer.truncated else {}
            response = self._writer.create_warc_record(
                answer.url, "response", payload=BytesIO(body), length=len(body), http_headers=http, warc_headers_dict=base | extra
            )
            self._writer.write_record(response)
            related = {"WARC-Concurrent-To": response.rec_headers.get_header("WARC-Record-ID")}
            head = BytesIO(answer.request)
            request = self._writer.create_warc_record(
                answer.url, "request", payload=head, length=len(answer.request), warc_headers_dict=base | related,
                warc_content_type="application/http; msgtype=request",
            )  # fmt: skip
            self._writer.write_record(request)
        return self.write_decision(answer.url, decision, base | related)

    def write_decision(self, url: str, decision: dict[str, Any], headers: dict[str, str] | None = None) -> int:
        """Write what was decided on an address; returns the end of the file."""
        text = orjson.dumps(decision, option=orjson.OPT_SORT_KEYS)
        metadata = self._writer.create_warc_record(
            url, "metadata", payload=BytesIO(text), length=len(text), warc_headers_dict=headers or {}, warc_content_type="application/json"
        )
        self._writer.write_record(metadata)
        self._file.flush()
        return self._file.tell()

    def close(self) -> None:
        """Force the file to the disk and close it."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def is_whole(path: Path, end: int) -> bool:
    """Whether the first `end` bytes of a file are whole gzip members."""
    if not path.exists() or path.stat().st_size < end:
        return end == 0
    left, is_inside = end, False
    inflater = zlib.decompressobj(31)
    with path.open("rb") as file:
        try:
            while left:
                data = file.read(min(left, 1 << 16))
                left -= len(data)
                while data:
                    is_inside = True
                    inflater.decompress(data, 1 << 20)
                    data = inflater.unconsumed_tail
                    if inflater.eof:
                        data, is_inside = inflater.unused_data, False
                        inflater = zlib.decompressobj(31)
        except zlib.error:
            return False
    return not is_inside
