"""One way to write a value down, so that equal values have equal digests."""

import json
from collections.abc import Mapping
from hashlib import sha256

from ops.told_text import clean_text


def canonical_json(value: object) -> str:
    """Give JSON with sorted keys and without blanks, texts cleaned as `clean_text` does.

    Raises:
        TypeError: Something has no JSON form.
    """
    cleaned = _clean_value(value)
    return json.dumps(cleaned, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


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
