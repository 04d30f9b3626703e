"""Take out of an estate's document what may be a secret although it is no reference; pure.

The estate holds references only, with three places where a literal can carry a secret that no
rule can tell from an address: a relay, a heartbeat's address, and the command of a part.
"""

import copy
import re
from typing import Any

from ops.estate.values import is_reference

STRUCK = "***"
_ADDRESSES = ("relay", "heartbeat_url")
_TELLING_WORDS = r"pass(?:word|wd|phrase)?|pwd|token|secret|api[-_]?key"
_IN_COMMAND = re.compile(
    rf"((?:^|[\s\"'-])[\w-]*(?:{_TELLING_WORDS})(?:\s*=\s*|\s+|:))"
    r"(\"[^\"]*\"|'[^']*'|[^\s\"']+)",
    re.IGNORECASE,
)


def redact(document: dict[str, Any]) -> dict[str, Any]:
    """Give the document without what may be a secret; references stay, for they are none."""
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
