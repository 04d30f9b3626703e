"""One way to write a value down, so that equal values have equal digests."""

import json
import re
import unicodedata
from collections.abc import Mapping
from hashlib import sha256

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]*@")
_SECRET_PARAMETER = re.compile(
    r"([?&;][\w.-]*(?:pass(?:word|wd|phrase)?|pwd|secret|token|key|sig(?:nature)?)=)[^&;#\s\"']+",
    re.IGNORECASE,
)


def canonical_json(value: object) -> str:
    """Give JSON with sorted keys and without blanks, texts cleaned as `clean_text` does.

    Raises:
        TypeError: Something has no JSON form.
    """
    cleaned = _clean_value(value)
    return json.dumps(cleaned, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def clean_text(value: str) -> str:
    """Give NFC text without control characters, undecodable bytes escaped, no URL password."""
    printable = value.encode("utf-8", "backslashreplace").decode()
    composed = unicodedata.normalize("NFC", _CONTROL.sub(" ", printable))
    return strike_passwords(composed)


def strike_passwords(text: str) -> str:
    """Strike out what URLs in a text carry of secrets: before the host, or as a parameter."""
    return _SECRET_PARAMETER.sub(r"\1***", _PASSWORD_IN_URL.sub(r"\1:***@", text))


def keep_told(value: object) -> object:
    """Give a value as JSON keeps it; of an error its template stays apart from its values."""
    if hasattr(value, "what") and hasattr(value, "params"):
        params = {name: keep_told(it) for name, it in value.params.items()}
        return {"what": value.what, "params": params}
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return clean_text(text)


def digest_of(value: object) -> str:
    """Give the SHA-256 of the value's canonical JSON, in hexadecimal."""
    return sha256(canonical_json(value).encode()).hexdigest()


def _clean_value(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): _clean_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean_value(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    raise TypeError(f"no JSON form for {type(value).__name__}")
