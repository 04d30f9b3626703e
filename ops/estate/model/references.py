"""Secrets are kept elsewhere: a reference says where, and is followed at the moment of use.

`file:PATH` is a file's content without its last newline, `env:NAME` an environment variable,
`credential:NAME` a credential that systemd hands to the service (`LoadCredential=`).
"""

import copy
import os
import re
import stat
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from ops.errors import SecretError
from ops.estate.model.values import is_reference
from ops.language.text import N_

MAXIMUM_BYTES = 65_536


def resolve(reference: str) -> SecretStr:
    """Follow a reference to its secret.

    Raises:
        SecretError: Nothing is there, it is empty, or it may not be read.
    """
    scheme, _, rest = reference.partition(":")
    if scheme == "env":
        secret = _from_environment(rest)
    elif scheme == "credential":
        secret = _from_file(_credential_path(rest), reference)
    else:
        secret = _from_file(Path(rest), reference)
    return SecretStr(secret)


def reveal(value: str) -> str:
    """Give a literal as it is, and the secret behind a reference."""
    return resolve(value).get_secret_value() if is_reference(value) else value


def is_open_to_others(path: Path) -> bool:
    """Tell whether group or others may read or write a file."""
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _from_environment(name: str) -> str:
    secret = os.environ.get(name, "")
    if not secret:
        raise SecretError(
            'the environment variable "{name}" is not set',
            data="nothing was changed",
            next_step="set it for the service, or write `file:PATH` in the estate file instead",
            name=name,
        )
    return secret


def _credential_path(name: str) -> Path:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise SecretError(
            'the credential "{name}" exists only inside the service',
            why="systemd has not handed credentials to this process",
            data="nothing was changed",
            next_step="start it through systemd with `LoadCredential={name}:PATH`",
            name=name,
        )
    return Path(folder) / name


def _from_file(path: Path, reference: str) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            secret = file.read(MAXIMUM_BYTES).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(
            'the secret "{reference}" cannot be read',
            why="{reason}",
            data="nothing was changed",
            next_step="put the secret into {path}, readable by the service's user only (mode 0600)",
            reference=reference,
            path=path,
            reason=_reason(error),
        ) from error
    if not secret:
        raise SecretError(
            'the secret "{reference}" is empty',
            data="nothing was changed",
            next_step="put the secret into {path}, on one line",
            reference=reference,
            path=path,
        )
    return secret


def _reason(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return N_("it is not text")
    return error.strerror or type(error).__name__


STRUCK = "***"
_ADDRESSES = ("relay", "heartbeat_url")
_TELLING_WORDS = r"pass(?:word|wd|phrase)?|pwd|token|secret|api[-_]?key"
_IN_COMMAND = re.compile(
    rf"((?:^|[\s\"'-])[\w-]*(?:{_TELLING_WORDS})(?:\s*=\s*|\s+|:))"
    r"(\"[^\"]*\"|'[^']*'|[^\s\"']+)",
    re.IGNORECASE,
)


def redact(document: dict[str, Any]) -> dict[str, Any]:
    """Give the document without what may be a secret; references stay, for they are none.

    The estate holds references only, with three places where a literal can carry a secret that no
    rule can tell from an address: a relay, a heartbeat's address, and the command of a part.
    """
    redacted = copy.deepcopy(document)
    notices = redacted.get("notices") or {}
    for key in _ADDRESSES:
        if isinstance(notices.get(key), str):
            notices[key] = _redact_address(notices[key])
    for holder in (*redacted.get("sites", ()), *redacted.get("profiles", {}).values()):
        parts = holder.get("files") or ()
        for part in parts:
            if isinstance(part, dict) and isinstance(part.get("command"), str):
                part["command"] = _IN_COMMAND.sub(rf"\1{STRUCK}", part["command"])
    return redacted


def _redact_address(address: str) -> str:
    if is_reference(address):
        return address
    scheme, colon, _rest = address.partition("://")
    return f"{scheme}://{STRUCK}" if colon else STRUCK
