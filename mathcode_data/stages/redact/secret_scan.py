"""Find credentials in text with the detectors of detect-secrets, at the speed of a few regular expressions.

The detectors run over lines, and Python needs a second for a few hundred kilobytes. Here one search for the words that every
credential has (`AKIA`, `ghp_`, `password`, `-----BEGIN`, ...) finds short windows of the text, and only they are given to the
detectors, so no long line and no hostile one costs more than its length. Nothing is asked over the network: the detectors'
verification is never called.

Token formats (AWS, GitHub, Slack, JWT, private keys, ...) are believed. What only a name tells (`password = "..."`) must look like a
credential: letters and digits, no template, no placeholder, no sequence. Strings of high entropy count where a name near them speaks of
keys, and not where it speaks of checksums.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re
from collections.abc import Callable, Iterator
from typing import Any

from mathcode_data.core.errors import SetupError
from mathcode_data.stages.redact.addresses import Span

PACKAGE = "detect_secrets"
TOKEN_DETECTORS = {
    "artifactory": "ArtifactoryDetector", "aws": "AWSKeyDetector", "azure_storage_key": "AzureStorageKeyDetector",
    "basic_auth": "BasicAuthDetector", "cloudant": "CloudantDetector", "discord": "DiscordBotTokenDetector",
    "github_token": "GitHubTokenDetector", "gitlab_token": "GitLabTokenDetector", "ibm_cloud_iam": "IbmCloudIamDetector",
    "ibm_cos_hmac": "IbmCosHmacDetector", "jwt": "JwtTokenDetector", "mailchimp": "MailchimpDetector", "npm": "NpmDetector",
    "openai": "OpenAIDetector", "pypi_token": "PypiTokenDetector", "sendgrid": "SendGridDetector", "slack": "SlackDetector",
    "softlayer": "SoftlayerDetector", "square_oauth": "SquareOAuthDetector", "stripe": "StripeDetector",
    "telegram_token": "TelegramBotTokenDetector", "twilio": "TwilioKeyDetector",
}  # fmt: skip
BEFORE, AFTER = 120, 400
MAX_WINDOW = 2000
MAX_KEY_BLOCK = 20_000
MIN_GROUP = 8
"""Characters of a group of a detector's expression that is the credential itself, and no prefix of it."""
MIN_DISTINCT = 12
"""Different characters of a token that is believed by its form alone: `sk-proj-xxxx...` stands for one."""
CONFIG_LANGUAGES = frozenset({"YAML", "TOML", "Shell", "Dockerfile", "Text", "Makefile", "Batchfile", ""})
"""Where values stand without quotes."""

_TOKENS = re.compile(
    r"AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9]|AKC|\bAP[0-9A-F]|AC[a-z0-9]{32}|SK[a-z0-9]{32}|AccountKey=|://[^\s/]{0,80}:[^\s/]{1,80}@|gh[pousr]_|gl[a-z]{2,4}t?-"
    r"|glagent-|gloas-|GR1348941|eyJ[A-Za-z0-9_-]{8}|-us\d|_authToken|T3BlbkFJ|pypi-Ag|SG\.|xox[abposr]-|hooks\.slack|softlayer|sq0csp-"
    r"|[sr]k_live_|hf_[A-Za-z0-9]{8}|sk-(?:proj|svcacct|admin|ant)-|AIza|GOCSPX-|github_pat_|dop_v1_|dapi[a-f0-9]{8}|shp(?:at|ca|pa|ss)_|dckr_pat_"
    r"|npm_[A-Za-z0-9]{8}|xapp-\d|\d{8,10}:[0-9A-Za-z_-]{35}|[MNO][A-Za-z\d_-]{23,25}\.[A-Za-z\d_-]{6}\."
)
# Formats that detect-secrets does not know: Hugging Face, OpenAI, Anthropic, Google, GitHub's fine-grained tokens, DigitalOcean,
# Databricks, Shopify, Docker, npm (detect-secrets knows it in `.npmrc` only), Slack's app tokens.
_OTHER_TOKENS = re.compile(
    r"(?<![A-Za-z0-9_])(?:hf_[A-Za-z0-9]{30,60}|sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{32,200}|sk-ant-[a-z]{2,8}\d{2}-[A-Za-z0-9_-]{32,200}"
    r"|AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{28}|github_pat_[A-Za-z0-9_]{40,120}|dop_v1_[a-f0-9]{64}|dapi[a-f0-9]{32}(?:-\d)?"
    r"|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|dckr_pat_[A-Za-z0-9_-]{24,60}|npm_[A-Za-z0-9]{36}"
    r"|xapp-\d-[A-Z0-9]{8,20}-\d{8,20}-[a-f0-9]{40,80})(?![A-Za-z0-9])"
)
_NAMES = re.compile(
    r"pass(?:word|wd|phrase)|pwd|secret|contrase|_?pass\b|(?:api|auth|access|service|account|db|database|priv|private|client|encryption|signing)[_-]?key"
    r"|token|credential|bearer|aws|ibm|iam"
)
_QUOTED = re.compile(r"[\"'`]|[:=]\s*\S{6}")
_KEY_END = r"-----END (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
_KEY_BLOCK = re.compile(rf"-----BEGIN (?:[A-Z0-9]{{1,20}} ){{0,3}}PRIVATE KEY(?: BLOCK)?-----(?P<body>[\s\S]{{0,20000}}?){_KEY_END}")
_KEY_OPEN = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?P<body>(?:[\s\"'+,]|\\[nr]|[A-Za-z0-9+/=]{16,128}){1,600})"
)
_PUTTY = re.compile(r"PuTTY-User-Key-File-[23]:[\s\S]{0,20000}?Private-MAC: [0-9a-fA-F]+")
_SIGNATURE = re.compile(r"[A-Za-z0-9_=.+/-]*")
_PLACEHOLDER = re.compile(r"<[A-Z_]+_\d+>|<[A-Z_]+>")
_DUMMY = re.compile(r"example|change.?me|dummy|your[_-]|placeholder|x{4,}|\*{3,}|\.{3}|foo|bar\b|sample|redacted|insert|todo", re.I)
_TEMPLATE = re.compile(r"[{}<>()\[\]$%\s\\,;]|\w\.\w+\.|^[./]")
_CHECKSUM = re.compile(r"sha\d|md5|digest|checksum|hash|integrity|commit|revision|fingerprint|uuid|public", re.I)
_CREDENTIAL = re.compile(r"key|token|secret|pass|auth|credential|bearer", re.I)


def require_detectors(where: str) -> None:
    """Check that detect-secrets is installed.

    Raises:
        SetupError: it is not; says what to install.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        raise SetupError(f"{where}: detect-secrets is not installed; pip install 'mathcode-data[code]', or set `secrets: false`")


@functools.cache
def _detectors() -> tuple[tuple[str, Any], ...]:
    modules = {name: importlib.import_module(f"{PACKAGE}.plugins.{name}") for name in TOKEN_DETECTORS}
    return tuple((name, getattr(modules[name], kind)()) for name, kind in TOKEN_DETECTORS.items())


@functools.cache
def _by_name() -> tuple[Any, dict[Any, int], tuple[Any, ...], tuple[Callable[[str], bool], ...]]:
    """The keyword detector, its expressions for files without quotes, the entropy detectors, and the filters."""
    keyword = importlib.import_module(f"{PACKAGE}.plugins.keyword")
    entropy = importlib.import_module(f"{PACKAGE}.plugins.high_entropy_strings")
    heuristic = importlib.import_module(f"{PACKAGE}.filters.heuristic")
    filters = (heuristic.is_sequential_string, heuristic.is_templated_secret, heuristic.is_not_alphanumeric_string)
    entropies = (entropy.Base64HighEntropyString(limit=4.5), entropy.HexHighEntropyString(limit=3.0))
    return keyword.KeywordDetector(), keyword.CONFIG_DENYLIST_REGEX_TO_GROUP, entropies, filters


def find_secrets(text: str, language: str = "") -> list[Span]:
    """Credentials in a text, as spans of kind `KEY` (tokens, passwords) or `PRIVATE_KEY` (the body of a key block).

    >>> [span.value for span in find_secrets('key = "AKIAIOSFODNN7EXAMPLE"')]
    ['AKIAIOSFODNN7EXAMPLE']
    """
    found = list(_key_blocks(text))
    for start, end in _windows(text):
        window = text[start:end]
        for value in dict.fromkeys(_values(window, language)):
            at = window.find(value)
            while at >= 0:
                found.append(Span(start + at, start + at + len(value), "KEY", value))
                at = window.find(value, at + len(value))
    return found


def _key_blocks(text: str) -> Iterator[Span]:
    if "PRIVATE KEY" not in text and "PuTTY-User" not in text:
        return
    for pattern in (_KEY_BLOCK, _KEY_OPEN):
        for match in pattern.finditer(text):
            body = match["body"]
            if body.strip(" \\nr\"'+,") and not _PLACEHOLDER.fullmatch(body.strip(" \n\\nr\"'+,")):
                yield Span(match.start("body"), match.end("body"), "PRIVATE_KEY", body)
    for match in _PUTTY.finditer(text):
        yield Span(match.start(), match.end(), "PRIVATE_KEY", match[0])


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Pieces of lines around what may be a credential, merged where they overlap."""
    lower = text.lower()
    names = _NAMES if len(lower) == len(text) else re.compile(_NAMES.pattern, re.IGNORECASE)
    hits = [match.start() for match in _TOKENS.finditer(text)]
    hits += [
        match.start()
        for match in names.finditer(lower if names is _NAMES else text)
        if _QUOTED.search(text, max(0, match.start() - 40), match.end() + 120)
    ]
    hits.sort()
    start = end = -1
    for at in hits:
        low = max(text.rfind("\n", max(0, at - BEFORE), at) + 1, at - BEFORE, 0)
        stop = text.find("\n", at, at + AFTER)
        high = stop if stop >= 0 else min(len(text), at + AFTER)
        if start >= 0 and low <= end and high - start <= MAX_WINDOW:
            end = max(end, high)
            continue
        if start >= 0:
            yield start, end
        start, end = low, max(high, at + 1)
    if start >= 0:
        yield start, end


def _values(window: str, language: str) -> Iterator[str]:
    for line in window.split("\n"):
        for name, detector in _detectors():
            yield from (value for value in _token_values(name, detector, line) if not _PLACEHOLDER.search(value))
        yield from (value for value in _OTHER_TOKENS.findall(line) if len(set(value)) > MIN_DISTINCT)
        if _NAMES.search(line.lower()):
            yield from (value for value in _named_values(line, language) if not _PLACEHOLDER.search(value))


def _token_values(name: str, detector: Any, line: str) -> Iterator[str]:
    if name == "jwt":
        for value in detector.analyze_string(line):  # which stops before the signature
            at = line.find(value)
            tail = _SIGNATURE.match(line, at + len(value))
            yield value + (tail[0] if tail else "")
        return
    for pattern in detector.denylist:
        for match in pattern.finditer(line):
            groups = [group for group in match.groups() if group and len(group) >= MIN_GROUP]
            value = max(groups, key=len) if groups else match[1] if name == "basic_auth" else match[0].strip("\"' =:\n")
            if name == "basic_auth" and (_TEMPLATE.search(value) or _DUMMY.search(value)):
                continue
            if name in ("artifactory", "ibm_cloud_iam") and not _is_mixed(value):
                continue
            yield value


def _named_values(line: str, language: str) -> Iterator[str]:
    keyword, unquoted, entropies, filters = _by_name()
    found = list(keyword.analyze_string(line))
    if language in CONFIG_LANGUAGES:
        found += list(keyword.analyze_string(line, unquoted))
    for value in found:
        plain = value.strip("\"'` ")
        if 6 <= len(plain) <= 300 and _is_mixed(plain) and not _TEMPLATE.search(plain) and not _is_dummy(plain, filters):
            yield plain
    if _CREDENTIAL.search(line) and not _CHECKSUM.search(line):
        for detector in entropies:
            for value in detector.analyze_string(line):
                if 20 <= len(value) <= 300 and _is_mixed(value) and detector.calculate_shannon_entropy(value) > detector.entropy_limit:
                    yield value


def _is_mixed(value: str) -> bool:
    return any(map(str.isdigit, value)) and any(map(str.isalpha, value))


def _is_dummy(value: str, filters: tuple[Callable[[str], bool], ...]) -> bool:
    return (len(value) < 24 and _DUMMY.search(value) is not None) or any(is_dummy(value) for is_dummy in filters)
