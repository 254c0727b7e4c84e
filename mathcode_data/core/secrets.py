"""Passwords do not belong into files that are copied, hashed and shown: a URL that bears one is refused wherever it stands."""

from __future__ import annotations

import os
import re
from typing import Any

from mathcode_data.core.errors import ConfigError

PASSWORD = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:/{1,2})[^/?#@\s:]*:[^/?#@\s]*@")
SIGNATURE = re.compile(
    r"(?i)([?&](?:x-amz-signature|x-amz-security-token|x-amz-credential|x-goog-signature|sig|token|access_token)=)[^&#\s]+"
)
OF_ENVIRONMENT = re.compile(r"(?i)(^|_)(secret|token|password|passwd|api_key|secret_access_key)$")
"""Names of variables whose values nobody else shall see."""
MIN_SECRET_CHARACTERS = 8
MASK = "***"


def without_secrets(text: str) -> str:
    """A text whose URLs show neither password nor signature; for messages.

    >>> without_secrets("s3://key:secret@bucket/a and https://a.example/x?sig=abc&n=1")
    's3://***@bucket/a and https://a.example/x?sig=***&n=1'
    """
    return SIGNATURE.sub(rf"\1{MASK}", PASSWORD.sub(rf"\1{MASK}@", text))


def masked(text: str) -> str:
    """What others said, fit for logs and manifests: the same, and no value of a variable of the environment that names a secret."""
    secrets = {value for name, value in os.environ.items() if len(value) >= MIN_SECRET_CHARACTERS and OF_ENVIRONMENT.search(name)}
    for value in sorted(secrets, key=len, reverse=True):  # one may be part of another
        text = text.replace(value, MASK)
    return without_secrets(text)


def refuse_secrets(value: Any, where: object) -> None:
    """Refuse plain data in which a URL bears a password or a signature.

    Raises:
        ConfigError: names the URL without it.
    """
    if isinstance(value, str):
        shown = without_secrets(value)
        if shown != value:
            raise ConfigError(
                f"{where}: {shown[:200]!r} holds a password or a signature, which would stand in manifests and logs; take it out and give "
                "it through the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.netrc, storage_options)"
            )
    elif isinstance(value, dict):
        for key, item in value.items():
            refuse_secrets(key, where)
            refuse_secrets(item, where)
    elif isinstance(value, list | tuple):
        for item in value:
            refuse_secrets(item, where)
