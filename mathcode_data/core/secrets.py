"""Passwords do not belong into files that are copied, hashed and shown: text that bears one is refused wherever it stands.

What is known for a secret: user:password in a URL, a token in the place of the user, a signature or key among a URL's parameters, an
`Authorization` header, private keys in PEM, and the shapes in which the large services write their keys. A stage that needs a secret
takes it from the environment: its option holds the name of the variable.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from mathcode_data.core.errors import ConfigError

KEYS = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    r"A[KS]IA[0-9A-Z]{16}"  # Amazon
    r"|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{16,}"  # GitHub, GitLab
    r"|hf_[A-Za-z0-9]{16,}"  # Hugging Face
    r"|sk-(?=[A-Za-z0-9_-]*[0-9])[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic; words joined by hyphens have no digit
    r"|xox[a-z]-[A-Za-z0-9-]{10,}"  # Slack
    r"|npm_(?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{40,}"  # npm, PyPI
    r"|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{16,}|GOCSPX-[A-Za-z0-9_-]{20,}"  # Google
    r"|eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]+){2,4}"  # JSON web tokens: `{"` in base64
    r")"
)
"""Keys that are known by their shape."""
WEBHOOK = re.compile(r"(\bhooks\.slack\.com/(?:services|workflows|triggers)/)(?!\*\*\*)[A-Za-z0-9_/-]{8,300}")
"""An address of Slack that takes messages from whoever knows it."""
PRIVATE_KEY = re.compile(
    r"(-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----)(?!\*\*\*)(?:(?!-----)[\s\S]){1,20000}(?:-----END [A-Z0-9 ]{0,60}-----)?"
)
"""PEM, with or without its end: what follows the first line is the key, however its lines are joined."""
PASSWORD = re.compile(
    r"((?:[A-Za-z][A-Za-z0-9+.-]{0,20}:/{1,2}|(?<![^\s\"'=(,<])//))(?:"
    r"[^/?#@\s:]{0,200}?(?::|%3[Aa])[^/?#@\s]{0,300}"  # user and password
    r"|[^/?#@\s:\[]{0,200}:(?![0-9]{1,5}[/?#])(?:(?!://)[^\s\"'<>]){0,300}"  # with `/`, `?` or `#` in the password: what is no port is one
    r"|[A-Za-z0-9_-]{20,300}|" + KEYS.pattern + r")@(?=[^\s@])"
    r"|(\b(?:https?|s3|gs|az)://)(?=[^/?#@\s:]{0,200}?[0-9])(?=[^/?#@\s:]{0,200}?[A-Za-z])[^/?#@\s:]{8,200}@",
    re.ASCII,
)
"""User and password, or a user whose name is as long as tokens are, or has letters and digits where people do not log in."""
BARE_PASSWORD = re.compile(
    r"([^\s:@/]*=)?(?!mailto:|[0-9]+:)[^\s:@/=]{2,}:(?!//|[0-9]{1,5}[/?#])[^\s@]{2,}@(?!sha[0-9]+:)(?=[A-Za-z0-9.\[-]\S*$)"
)
"""user:password@host without a scheme, as a whole word; no address of a person, drive, port, time or image."""
_SECRET_NAME = (
    r"x-amz-signature|x-amz-security-token|x-amz-credential|x-goog-signature|sig|signature|pwd|auth|jwt|credentials?|"
    r"passphrase|[a-z_-]{0,40}(?:api[_-]?key|token|password|passwd|secret|access[_-]?key)"
)
SIGNATURE = re.compile(
    rf"(?i)([?&#;](?!(?:next|prev|page|sync|start|continuation|next[_-]?page)[_-]?token=)"
    rf"(?:(?:{_SECRET_NAME})=|(?:pass|session(?:[_-]?id)?)=(?=[^&#;\s]{{6}})|key=(?=[^&#;\s]{{0,300}}?[0-9])(?=[^&#;\s]{{12}})"
    r"|code=(?=[^&#;\s]{16})))(?!\*\*\*)[^&#;\s]+"
)
"""Parameters of a URL. A session of a few letters is one of a conference, a code of a few that of a course or a country, a short key
or a word names a record, and a page's token the next page."""
HEADER = re.compile(r"(?i)\b((?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic|token|digest)\s+)?)(?!\*\*\*)[^\s\"',;}]+")
BEARER = re.compile(r"\b([Bb]earer\s+)(?=[A-Za-z._~+/-]*[0-9])[A-Za-z0-9._~+/-]{16,}=*")
ASSIGNED = re.compile(
    r"(?i)(?<![a-z0-9])((?:[a-z]{1,30}[_-]){0,4}(?:[a-z]{0,10}password|passwd|pwd|secret|api[_-]?key)=|"
    r"(?:[a-z]{1,30}[_-]){0,4}(?:password|passwd|passphrase|api[_ -]?key):\s+|"
    r"--(?:[a-z]{1,30}-){0,4}(?:password|passwd|passphrase|secret|api-key|token)(?:=|\s+)(?!-)|"
    r"(?:['\"{]|--set\s+(?:[^\s=:]{1,200}\.)?)(?:[a-z]{1,30}[_-]){0,4}"
    r"(?:password|passwd|passphrase|secret|api[_-]?key|(?<![_-])token|(?:access|auth|bearer|hf|session)[_-]token)"
    r"(?:['\"]\s*:|\s*[:=])\s*)(?!\*\*\*)(?:\[[^\]]{0,2000}\]?|\"[^\"]*\"?|'[^']*'?|[^\s\"',;&)}\]]+)"
)
"""`password=...`, `password: ...` and `--token ...` as libraries and commands put them into messages, and 'token': ... as a value that
was found is shown."""
OF_ENVIRONMENT = re.compile(r"(?i)(^|_)(secret|token|password|passwd|api_?key|access_key|private_key)$")
"""Names of variables whose values nobody else shall see."""
OF_OPTION = re.compile(
    r"(?i)(^|[_-])(secret|password|passwd|passphrase|api[_-]?key|(secret|private)[_-](access[_-])?key)$"
    r"|^token$|(^|[_-])(access|api|auth|bearer|hf|github|gitlab|id|oauth|refresh|sas|secret|session|security)[_-]token$|^authorization$"
    r"|^(pwd|jwt|connection[_-]string)$|(^|[_-])(access|account)[_-]key$"
)
"""Names of options whose values are secrets; `eos_token`, `file_token` and their like are marks in texts."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
MIN_SECRET_CHARACTERS = 8
MASK = "***"


def without_secrets(text: str) -> str:
    """A text whose URLs show neither password nor signature, without known keys and headers that prove who asks; for messages.

    >>> without_secrets("s3://key:secret@bucket/a and https://a.example/x?sig=abc&n=1")
    's3://***@bucket/a and https://a.example/x?sig=***&n=1'
    >>> without_secrets("GET /x, Authorization: Bearer abc")
    'GET /x, Authorization: Bearer ***'
    """
    text = SIGNATURE.sub(rf"\1{MASK}", PASSWORD.sub(lambda found: f"{found[1] or found[2]}{MASK}@", text))
    text = PRIVATE_KEY.sub(rf"\1{MASK}", WEBHOOK.sub(rf"\1{MASK}", text))
    return KEYS.sub(MASK, BEARER.sub(rf"\1{MASK}", HEADER.sub(rf"\1{MASK}", text)))


def masked(text: str) -> str:
    """What others said, fit for logs and manifests: the same, and no value of a variable of the environment that names a secret."""
    secrets = {value for name, value in os.environ.items() if len(value) >= MIN_SECRET_CHARACTERS and OF_ENVIRONMENT.search(name)}
    for value in sorted(secrets, key=len, reverse=True):  # one may be part of another
        text = text.replace(value, MASK)
    return ASSIGNED.sub(rf"\1{MASK}", without_secrets(text))


def _has_value(item: Any) -> bool:
    if isinstance(item, dict | list | tuple):
        return any(map(_has_value, item.values() if isinstance(item, dict) else item))
    return isinstance(item, str | int | float) and item not in ("", False, True)


def refuse_words(words: Sequence[str]) -> None:
    """Refuse a command line with a password in it, with or without a scheme before it; signed URLs may be read and are not shown.

    Raises:
        ConfigError: shows the word without it.
    """
    for word in words:
        if PASSWORD.search(word):
            refuse_secrets(word, "the command line")
        if (found := BARE_PASSWORD.match(word)) is not None:
            raise _refusal("the command line", f"{found[1] or ''}{MASK}@{without_secrets(word[found.end() :])}")


def _refusal(where: object, shown: str) -> ConfigError:
    return ConfigError(
        f"{where}: {shown[:200]!r} holds a password or a signature, which would stand in manifests and logs; take it out and give "
        "it through the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.netrc, storage_options)"
    )


def refuse_secrets(value: Any, where: object) -> None:
    """Refuse plain data that bears a password, a signature or a key, or an option that is named like one and has a text or a number.

    Raises:
        ConfigError: names the URL without it, or the option without its value.
    """
    if isinstance(value, str):
        shown = without_secrets(value)
        if shown != value:
            raise _refusal(where, shown)
    elif isinstance(value, dict):
        for key, item in value.items():
            refuse_secrets(key, where)
            if isinstance(key, str) and OF_OPTION.search(_CAMEL.sub("_", key)) and _has_value(item):
                raise ConfigError(
                    f"{where}: option {key!r} is named like a secret, and its value would stand in plans, manifests and logs; take it out "
                    f"and let the stage read it from the environment, with an option such as `{key}_variable` for the variable's name"
                )
            refuse_secrets(item, where)
    elif isinstance(value, list | tuple):
        for item in value:
            refuse_secrets(item, where)
