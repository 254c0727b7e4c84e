"""One task's work: visit the addresses of a batch, host by host, each host one request at a time.

A redirect is not followed but becomes an address of the next round, so it is checked like any other (scope, traps, robots,
guard) and its host is asked by the partition that owns it. A page that fails in a way that may pass is tried again after a
pause; where the pause is long, the host rests and its other addresses go back to the frontier.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mathcode_data.core.counters import Ledger
from mathcode_data.core.errors import ResourceError
from mathcode_data.stages.crawl.canonical import host_of, origin_of, partition_of, url_key
from mathcode_data.stages.crawl.fetch import Answer, Fetcher, FetchError
from mathcode_data.stages.crawl.hosts import HostState, OriginRules, Wanted
from mathcode_data.stages.crawl.journal import Journal
from mathcode_data.stages.crawl.pages import Markup, PageReader, Reading
from mathcode_data.stages.crawl.politeness import DoneForNowError, Gate, HostLeftError, OriginLeftError, backoff_s, retry_after_s
from mathcode_data.stages.crawl.robots import Robots, robots_from_json
from mathcode_data.stages.crawl.rules import fetch_rules, path_of
from mathcode_data.stages.crawl.scope import judge_links
from mathcode_data.stages.crawl.signals import Signals, add_page_signals, content_signal_refuses, header_signals, tdmrep_reserves
from mathcode_data.stages.crawl.terms import Known, Terms
from mathcode_data.stages.crawl.traps import is_calendar, is_new

IN_PLACE_S = 60.0
"""A longer pause of one host does not hold up the round: the host rests."""
MAY_PASS = frozenset({429, 500, 502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Visits:
    """Visits a batch; what came of it stands in the journal."""

    def __init__(self, terms: Terms, known: Known, journal: Journal, reader: PageReader, fetcher: Fetcher, ledger: Ledger) -> None:
        """`known` is brought to where the journal ends."""
        self._terms, self._limits = terms, terms.limits
        self._journal, self._reader, self._fetcher, self._ledger = journal, reader, fetcher, ledger
        self._states, self._rules, self._simhashes = known.states, known.rules, known.simhashes
        self._robots: dict[str, Robots] = {}
        self._gates: dict[str, Gate] = {}
        self._reading = asyncio.Lock()
        self._open_hosts = asyncio.Semaphore(self._limits.max_open_hosts)
        self._ends_at = time.monotonic() + self._limits.task_s
        self._finished: set[bytes] = set()
        self._attempts: Counter[bytes] = Counter()
        self.given_back: set[bytes] = set()
        """Addresses that went back to the frontier: their host rests, or the bytes are used up."""
        self._pending: Counter[str] = Counter()
        """Facts that go with the next event, so that a task that goes on counts what an earlier process did."""
        for event in journal.events:
            self._replay(event)

    def _replay(self, event: dict[str, Any]) -> None:
        """Take over what an earlier process of this task did."""
        self._add_facts(event)
        if "state" in event:
            self._states[event["host"]] = HostState(**event["state"])
        if event["kind"] == "rules":
            self._rules[event["origin"]] = OriginRules(**event["entry"])
        elif event["kind"] == "try":
            self._attempts[bytes.fromhex(event["key"])] += 1
        elif event["kind"] == "done":
            self._count(event)
            if "simhash" in event:
                self._remember(event["host"], event["simhash"])

    async def run(self, batch: Sequence[Wanted]) -> list[Wanted]:
        """Visit all; returns what is left because the time of the task is over.

        Raises:
            ResourceError: the disk is nearly full; what was done stays in the journal.
        """
        by_host: dict[str, list[Wanted]] = {}
        for wanted in batch:
            if wanted.key not in self._finished:
                by_host.setdefault(wanted.host, []).append(wanted)
        try:
            async with asyncio.TaskGroup() as group:
                for host, rows in by_host.items():
                    group.create_task(self._host(host, rows))
        except BaseExceptionGroup as error:
            raise error.exceptions[0] from error
        if self._pending:
            self._write("facts", "")
        left = [wanted for wanted in batch if wanted.key not in self._finished and wanted.key not in self.given_back]
        return [replace(wanted, attempts=wanted.attempts + self._attempts[wanted.key]) for wanted in left]

    @property
    def bytes(self) -> int:
        """Bytes that the task has received."""
        return self._ledger.counters.facts["bytes_received"] + self._pending["bytes_received"]

    async def _host(self, host: str, rows: list[Wanted]) -> None:
        async with self._open_hosts:
            state = self._states.setdefault(host, HostState())
            try:
                for wanted in rows:
                    try:
                        await self._visit(wanted, state)
                    except OriginLeftError:
                        self.given_back.add(wanted.key)
            except DoneForNowError:
                return
            except HostLeftError:
                self.given_back |= {wanted.key for wanted in rows if wanted.key not in self._finished}

    async def _visit(self, wanted: Wanted, state: HostState) -> None:
        """Bring one address to its end."""
        if self._is_skipped(wanted, state):
            return
        if state.rest_left_s():
            raise HostLeftError(state.rest_reason)
        if state.origin_rest_left_s(origin_of(wanted.url)):
            raise OriginLeftError(f"{origin_of(wanted.url)} rests")
        self._check_room()
        robots, rules = await self._rules_of(wanted, state)
        if self._is_skipped(wanted, state):
            return
        reason = self._why_not_ask(wanted.url, robots, rules)
        if reason:
            self._end(wanted, state, reason)
            return
        answer, reason = await self._ask(wanted, state)
        if answer is None:
            self._end(wanted, state, reason)
            return
        try:
            await self._take(wanted, state, answer, rules, reason)
        finally:
            answer.close()

    def _is_skipped(self, wanted: Wanted, state: HostState) -> bool:
        """Whether the host or the origin is left for good; the address then ends with the reason."""
        reason = state.skip or state.given_up(origin_of(wanted.url))
        if reason:
            self._end(wanted, state, reason)
        return bool(reason)

    def _check_room(self) -> None:
        if self.bytes >= self._terms.max_bytes:
            raise HostLeftError("the bytes of this task are used up")
        usage = shutil.disk_usage(self._journal.folder)
        if usage.free < self._limits.min_free_disk * usage.total:
            raise ResourceError(
                f"{self._journal.folder}: {usage.free / 1e6:,.0f} MB free, less than {self._limits.min_free_disk:.0%} of the disk; make "
                "room (or lower limits.min_free_disk) and run again: what was fetched is kept"
            )

    def _gate(self, host: str) -> Gate:
        if host not in self._gates:
            asked_s = self._states[host].delay_s if host in self._states else 0.0
            self._gates[host] = Gate(max(self._limits.delay_s, asked_s), self._ends_at)
        return self._gates[host]

    async def _get(self, url: str, max_body: int | None = None, types: frozenset[str] | None = None) -> Answer:
        """One request through its host's gate."""
        async with self._gate(host_of(url)):
            self._pending["requests"] += 1
            return await self._fetcher.get(url, max_body=max_body, types=types)

    async def _rules_of(self, wanted: Wanted, state: HostState) -> tuple[Robots, OriginRules]:
        """The rules of the address's origin.

        Raises:
            OriginLeftError: they cannot be had; the origin is looked at again later.
        """
        origin = origin_of(wanted.url)
        rules = self._rules.get(origin)
        if rules is None or not rules.is_fresh(self._limits):

            async def ask(url: str, max_body: int) -> Answer:
                answer = await self._get(url, max_body)
                state.bytes += answer.body_bytes
                self._pending["bytes_received"] += answer.body_bytes
                return answer

            rules = await fetch_rules(origin, ask, self._limits, self._is_ours, lambda robots: self._obey(robots, state, wanted.host))
            self._rules[origin] = rules
            self._robots.pop(origin, None)
            self._write("rules", wanted.host, origin=origin, entry=vars(rules), state=state.to_json())
        if origin not in self._robots:
            self._robots[origin] = robots_from_json(rules.robots)
        robots = self._robots[origin]
        if robots.verdict == "refused":
            self._pending[f"hosts_refused_{robots.reason}"] += 1
            state.refused(origin, robots.reason, self._limits)
            self._write("host", wanted.host, state=state.to_json())
            if not state.given_up(origin) and not state.skip:
                raise OriginLeftError(f"{origin}: {robots.reason}")
        else:
            state.origins.pop(origin, None)
        return robots, rules

    def _is_ours(self, host: str) -> bool:
        return partition_of(host, self._terms.num_partitions) == self._terms.partition

    def _obey(self, robots: Robots, state: HostState, host: str) -> None:
        """Take over the pause that a robots.txt asks for."""
        delay_s = robots.crawl_delay_s
        if delay_s is None:
            return
        if delay_s > self._limits.max_crawl_delay_s:
            state.skip = "crawl_delay"
            return
        state.delay_s = max(state.delay_s, delay_s)
        gate = self._gate(host)
        gate.delay_s = max(gate.delay_s, delay_s)
        gate.hold(gate.delay_s)

    def _why_not_ask(self, url: str, robots: Robots, rules: OriginRules) -> str:
        """The reason not to send the request, "" to send it."""
        if not robots.allows(url):
            return "robots"
        ignored = self._terms.ignore_signals
        path = path_of(url)
        if "content-signal" not in ignored and any(
            path.startswith(prefix) and content_signal_refuses(value) for prefix, value in robots.signals
        ):
            return "content_signal"
        if rules.tdmrep and tdmrep_reserves(rules.tdmrep, url) and "tdm-reservation" not in ignored:
            return "tdm_reserved"
        return ""

    async def _ask(self, wanted: Wanted, state: HostState) -> tuple[Answer | None, str]:
        """The answer of the host, or None and the reason.

        Raises:
            HostLeftError: the host rests.
            DoneForNowError: the task is over.
        """
        before = wanted.attempts
        while True:
            failed: FetchError | None = None
            answer: Answer | None = None
            try:
                answer = await self._get(wanted.url, types=self._terms.content_types)
            except FetchError as error:
                failed, answer = error, error.answer
            if not before + self._attempts[wanted.key]:
                state.pages += 1
                state.calendar += is_calendar(wanted.url)
                self._pending["pages_requested"] += 1
            if answer is not None:
                state.bytes += answer.body_bytes
                self._pending["bytes_received"] += answer.body_bytes
                self._pending[f"status_{answer.status}"] += 1
                if state.bytes >= self._limits.host_bytes:
                    state.skip = "host_bytes"
            if answer is not None and failed is None and answer.status not in MAY_PASS:
                state.succeeded()
                return answer, ""
            reason = failed.reason if failed is not None else f"http_{answer.status if answer else 0}"
            asked_s = retry_after_s(answer.header("retry-after"), time.time(), self._limits.max_retry_after_s) if answer else None
            self._attempts[wanted.key] += 1
            state.failed(self._limits)
            is_last = before + self._attempts[wanted.key] >= self._limits.max_attempts or (failed is not None and not failed.may_pass)
            if failed is not None and answer is not None and is_last:
                return answer, "truncated"  # the third broken body: what came is kept as such
            if answer is not None:
                answer.close()
            if is_last:
                self._pause(state, wanted.host, asked_s)
                return None, reason
            self._pending["retries"] += 1
            self._write("try", wanted.host, key=wanted.key.hex(), reason=reason, state=state.to_json())
            if state.skip:
                return None, state.skip
            self._pause(state, wanted.host, asked_s)
            if state.rest_left_s():
                self._write("host", wanted.host, state=state.to_json())
                raise HostLeftError(state.rest_reason)

    def _pause(self, state: HostState, host: str, asked_s: float | None) -> None:
        """Wait after a failure: what the host asks for, or longer and longer; a long wait is a rest."""
        wait_s = asked_s if asked_s is not None else backoff_s(max(1, state.streak), self._limits)
        if wait_s > IN_PLACE_S and wait_s > state.rest_left_s():
            state.rest(wait_s, "retry_after" if asked_s is not None else "backoff")
        self._gate(host).hold(wait_s)

    async def _take(self, wanted: Wanted, state: HostState, answer: Answer, rules: OriginRules, note: str) -> None:
        """Decide about an answer and write it down."""
        decision: dict[str, Any] = {"status": answer.status, "wire_bytes": answer.body_bytes, "decoded_bytes": answer.decoded_bytes}
        if answer.notes or rules.notes:
            decision["notes"] = [*answer.notes, *rules.notes]
        links: list[Wanted] = []
        refused: Counter[str] = Counter()
        found: dict[str, Any] = {}
        signals = header_signals(answer.headers)
        if answer.status in REDIRECTS:
            outcome = self._redirect(wanted, answer, links, decision)
        elif answer.status != 200:
            outcome = f"http_{answer.status}"
        elif answer.content_type not in self._terms.content_types:
            outcome = "not_html"
        else:
            async with self._reading:  # one page at a time is held decoded
                outcome, reading = await asyncio.to_thread(self._read, answer, rules, signals)
            if reading is not None:
                follow = outcome == "stored" and not signals.nofollow
                refused = self._links(wanted, answer, reading, links) if follow else refused
                found = self._judge_text(wanted.host, state, reading)
                decision |= found | ({"problem": reading.problem} if reading.problem else {})
        if outcome == "stored" and (answer.truncated or note):
            decision["truncated"] = answer.truncated
            self._pending["truncated_pages"] += 1
        decision |= {"outcome": outcome, "robots": "allowed", "signals": signals.found, "depth": wanted.depth, "parent_score": wanted.score}
        self._pending.update({f"links_refused_{reason}": number for reason, number in refused.items()})
        self._pending["links_found"] += len(links)
        packed = [link.to_json() for link in links]
        self._end(wanted, state, outcome, answer=answer, decision=decision, links=packed, **found)

    def _read(self, answer: Answer, rules: OriginRules, signals: Signals) -> tuple[str, Reading | None]:
        """Outcome and contents of a page of the wanted type; runs in a thread."""
        content, markup = self._reader.markup(answer)
        add_page_signals(signals, markup.metas, is_reserved_by_file=tdmrep_reserves(rules.tdmrep, answer.url))
        names = {"tdm_reserved": "tdm-reservation", "content_signal": "content-signal", "noai": "x-robots-tag", "noindex": "x-robots-tag"}
        standing = [refusal for refusal in signals.refusals if names[refusal] not in self._terms.ignore_signals]
        if standing:
            return standing[0], None
        if markup.problem.startswith("binary"):
            return "binary", None
        return "stored", self._reader.read(answer, content, markup)

    def _redirect(self, wanted: Wanted, answer: Answer, links: list[Wanted], decision: dict[str, Any]) -> str:
        """Turn a redirect into an address of its own."""
        location = answer.header("location")
        decision["location"] = location[:2048]
        if wanted.hops >= self._limits.max_redirects:
            return "too_many_redirects"
        url, reason = self._terms.scope.judge(location, wanted.url, wanted.depth, self._limits)
        if reason or not location:
            return f"redirect_{reason or 'empty'}"
        if url == wanted.url:
            return "redirect_loop"
        links.append(Wanted(url_key(url), url, host_of(url), wanted.score, wanted.depth, wanted.hops + 1))
        return "redirect"

    def _links(self, wanted: Wanted, answer: Answer, reading: Reading, links: list[Wanted]) -> Counter[str]:
        """Addresses that a page leads to; how many were refused, by reason."""
        markup: Markup = reading.markup
        base, reason = self._terms.scope.judge(markup.base, answer.url, 0, self._limits) if markup.base else (answer.url, "")
        urls, refused = judge_links(markup.links, base if not reason else answer.url, wanted.depth + 1, self._terms.scope, self._limits)
        links.extend(Wanted(url_key(url), url, host_of(url), reading.score, wanted.depth + 1, 0) for url in urls)
        refused.update({f"rel_{word}": number for word, number in markup.left.items()})
        return refused

    def _judge_text(self, host: str, state: HostState, reading: Reading) -> dict[str, Any]:
        if reading.problem:
            return {}
        new = is_new(reading.simhash, self._simhashes.get(host, np.zeros(0, np.int64)))
        self._remember(host, reading.simhash)
        state.saw_page(score=reading.score, is_new=new, limits=self._limits)
        return {"score": reading.score, "simhash": reading.simhash, "is_new": new}

    def _remember(self, host: str, simhash: int) -> None:
        known = self._simhashes.get(host, np.zeros(0, np.int64))
        self._simhashes[host] = np.append(known, np.int64(simhash))[-1000:]

    def _end(
        self, wanted: Wanted, state: HostState, outcome: str, *, answer: Answer | None = None, decision: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:  # fmt: skip
        """Write down what became of an address."""
        if decision is None:
            decision = {"outcome": outcome, "depth": wanted.depth, "parent_score": wanted.score}
        event = {"key": wanted.key.hex(), "url": wanted.url, "outcome": outcome, "state": state.to_json()} | more
        self._count(self._write("done", wanted.host, answer=answer, decision=decision, **event))

    def _write(
        self, kind: str, host: str, *, answer: Answer | None = None, decision: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        event = {"kind": kind, "host": host, "facts": dict(self._pending)} | more
        self._journal.write(event, answer, decision=decision)
        self._pending.clear()
        self._add_facts(event)
        return event

    def _add_facts(self, event: dict[str, Any]) -> None:
        for name, number in event["facts"].items():
            self._ledger.count(name, number)

    def _count(self, event: dict[str, Any]) -> None:
        """Count an address that has come to its end, in this process or an earlier one of the task."""
        self._finished.add(bytes.fromhex(event["key"]))
        self._ledger.saw()
        if event["outcome"] == "stored":
            self._ledger.counters.kept += 1
        else:
            self._ledger.drop_unread(event["outcome"])
