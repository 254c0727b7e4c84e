"""H1 to H5, fixed before any run, and what the runs say of them.

A hypothesis is a list of claims; each claim is a number whose sign is predicted, with its paired 95 % interval. A claim holds if the whole
interval lies on the predicted side, fails if it lies on the other, and else is not decided. A hypothesis holds if all its claims do,
fails if one does, and else is not decided. "a >= b" is judged like "a > b": equality cannot be shown by few seeds, it stays undecided.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mathcode_data.study.config import BASE
from mathcode_data.study.findings import CODE, PROGRAM, REASONING, Findings, Place, retained
from mathcode_data.study.metrics import Interval, Means, difference

HOLDS, FAILS, UNDECIDED, UNTESTED = "holds", "fails", "not decided", "not tested"
RETAINED_WHEN_MIXED = 0.9
MOST = 0.5
"""H5's "most of the retention": more than this share of the way from no replay to mixing."""
REPLAYS = ("replay-5", "replay-10")


@dataclass(frozen=True)
class Claim:
    """One number whose sign is predicted to be positive."""

    text: str
    margin: Interval
    """What must be above 0."""
    shown: Interval
    """The number that the text speaks of."""

    @property
    def verdict(self) -> str:
        """holds, fails or not decided."""
        return {"above": HOLDS, "below": FAILS, "around": UNDECIDED}[self.margin.verdict]


@dataclass(frozen=True)
class Hypothesis:
    """One of H1 to H5, at one model size or over all."""

    name: str
    text: str
    claims: tuple[Claim, ...]
    untested: str = ""
    """Why it, or a part of it, could not be tested."""

    @property
    def verdict(self) -> str:
        """What was found."""
        verdicts = [claim.verdict for claim in self.claims]
        if not verdicts:
            return UNTESTED
        return FAILS if FAILS in verdicts else UNDECIDED if UNDECIDED in verdicts or self.untested else HOLDS

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        claims = [
            {"text": claim.text, "verdict": claim.verdict, "value": claim.shown.to_json(), "margin": claim.margin.to_json()}
            for claim in self.claims
        ]
        return {"name": self.name, "text": self.text, "verdict": self.verdict, "claims": claims, "untested": self.untested}


TEXTS = {
    "H1": "The mathematics stage makes the code that the code stage taught forgotten (held-out code gets worse), and mixing retains at "
    "least 90 % of the gain in code.",
    "H2": "Programs give the right answer more often after mixing than after code then math, and there more often than after math alone.",
    "H3": "Reasoning in words is at least as good after code then math as after math alone, and there at least as good as after mixing; "
    "the gap shrinks with model size.",
    "H4": "A code stage alone gives more right programs than a general stage alone.",
    "H5": "Replaying 5 to 10 % of the code in the mathematics stage recovers most of what mixing retains.",
}


def judge(found: Findings) -> list[Hypothesis]:
    """All hypotheses at one model size."""
    return [_h1(found), _h2(found), _h3(found), _h4(found), _h5(found)]


def _lacking(found: Findings, arms: Sequence[str], *, problems: bool = False, code: bool = False) -> str:
    absent = [arm for arm in arms if not found.has(arm)]
    if absent:
        return f"the study has no arm {', '.join(absent)}"
    if problems and not found.has_problems:
        return "the study has no word problems"
    if "code-math" in arms and found.code_peak() is None:
        return "the arm code-math has only one stage"
    if code and CODE not in found.domains():
        return f"no held-out windows of the source {CODE!r}"
    return ""


def _h1(found: Findings) -> Hypothesis:
    lacking = _lacking(found, ["code-math", "mixed"], code=True)
    peak = found.code_peak()
    if lacking or peak is None:
        return Hypothesis("H1", TEXTS["H1"], (), lacking)
    ends = {"peak": peak, "after": found.last("code-math")}
    worse = found.interval({name: found.losses(end, CODE) for name, end in ends.items()}, difference("after", "peak"))
    mixed = {"base": found.last(BASE), "peak": peak, "after": found.last("mixed")}
    runs = {name: found.losses(end, CODE) for name, end in mixed.items()}
    kept = found.interval(runs, retained)
    margin = found.interval(runs, lambda means: retained(means) - RETAINED_WHEN_MIXED)
    unit = found.unit(CODE)
    claims = [Claim(f"held-out code after code then math, less that after the code stage ({unit}; above 0: forgotten)", worse, worse)]
    if found.interval(runs, difference("base", "peak")).verdict != "above":
        return Hypothesis(
            "H1", TEXTS["H1"], tuple(claims), "the code stage did not clearly better held-out code, so nothing can be retained"
        )
    claims.append(
        Claim("share of the code stage's gain in held-out code that is there after mixing (predicted: at least 0.9)", margin, kept)
    )
    return Hypothesis("H1", TEXTS["H1"], tuple(claims))


def _ordered(found: Findings, form: str, arms: Sequence[str]) -> tuple[Claim, ...]:
    claims = []
    for better, worse in itertools.pairwise(arms):
        runs = {arm: found.correct(found.last(arm), form) for arm in (better, worse)}
        gap = found.interval(runs, difference(better, worse))
        claims.append(Claim(f"share of right {'programs' if form == PROGRAM else 'answers'}, {better} less {worse}", gap, gap))
    return tuple(claims)


def _floor(found: Findings, form: str, arms: Sequence[str]) -> str:
    """Said where arms could not be told apart, since none of them can do anything of the kind."""
    if any(values.any() for arm in arms for values in found.correct(found.last(arm), form)):
        return ""
    return f"no arm of {', '.join(arms)} solved a single item with a new story, so this size says nothing of it"


def _h2(found: Findings) -> Hypothesis:
    arms = ["mixed", "code-math", "math"]
    lacking = _lacking(found, arms, problems=True)
    if lacking:
        return Hypothesis("H2", TEXTS["H2"], (), lacking)
    return Hypothesis("H2", TEXTS["H2"], _ordered(found, PROGRAM, arms), _floor(found, PROGRAM, arms))


def _h3(found: Findings) -> Hypothesis:
    arms = ["code-math", "math", "mixed"]
    lacking = _lacking(found, arms, problems=True)
    if lacking:
        return Hypothesis("H3", TEXTS["H3"], (), lacking)
    floor = _floor(found, REASONING, arms)
    untested = "" if len(found.config.models) > 1 else "the study has one model size, so whether the gap shrinks with size is not tested"
    if not untested:
        untested = "whether the gap shrinks with size is told by the sizes side by side, not tested"
    return Hypothesis("H3", TEXTS["H3"], _ordered(found, REASONING, arms), f"{floor}; {untested}" if floor else untested)


def _h4(found: Findings) -> Hypothesis:
    lacking = _lacking(found, ["general-math", "code-math"], problems=True)
    if not lacking and len(found.plan.arms["general-math"]) < 2:
        lacking = "the arm general-math has only one stage"
    if lacking:
        return Hypothesis("H4", TEXTS["H4"], (), lacking)
    ends = {"code": Place("code-math", 0), "general": Place("general-math", 0)}
    gap = found.interval({name: found.correct(end, PROGRAM) for name, end in ends.items()}, difference("code", "general"))
    return Hypothesis("H4", TEXTS["H4"], (Claim("share of right programs, code stage less general stage", gap, gap),))


def _h5(found: Findings) -> Hypothesis:
    replays = [arm for arm in REPLAYS if found.has(arm)]
    lacking = _lacking(found, ["code-math", "mixed"], code=True) or ("" if replays else f"the study has no arm {' or '.join(REPLAYS)}")
    if lacking:
        return Hypothesis("H5", TEXTS["H5"], (), lacking)
    claims = []
    for arm in replays:
        ends = {"none": found.last("code-math"), "mixed": found.last("mixed"), "replay": found.last(arm)}
        runs = {name: found.losses(end, CODE) for name, end in ends.items()}
        if found.interval(runs, difference("none", "mixed")).verdict != "above":
            return Hypothesis("H5", TEXTS["H5"], (), "mixing did not clearly keep more code than code then math, so there is no way to go")
        shown = found.interval(runs, _recovered)
        margin = found.interval(runs, lambda means: _recovered(means) - MOST)
        text = f"share of the way from no replay to mixing that {arm} goes, in held-out code (predicted: above {MOST})"
        claims.append(Claim(text, margin, shown))
    return Hypothesis("H5", TEXTS["H5"], tuple(claims))


def _recovered(means: Means) -> Any:
    """(no replay - replay) / (no replay - mixed): what `retention` is of base = no replay, peak = mixed."""
    return retained({"base": means["none"], "peak": means["mixed"], "after": means["replay"]})
