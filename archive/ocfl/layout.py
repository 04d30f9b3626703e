"""Where an object lies in its storage root: OCFL extension 0003, hashed n-tuple with the id.

Two tuples of two digits of the id's SHA-256, then the id itself with everything but letters,
digits, `-` and `_` percent-encoded: 65 536 folders, fifteen objects in each at a million. Pure.
"""

import hashlib
import json
import re
from functools import lru_cache
from typing import Any

EXTENSION = "0003-hash-and-id-n-tuple-storage-layout"
ROOT_DECLARATION = "0=ocfl_1.1"
ROOT_DECLARATION_TEXT = b"ocfl_1.1\n"
LAYOUT_FILE = "ocfl_layout.json"

KNOWN_EXTENSIONS = {
    "initial", "0001-digest-algorithms", "0002-flat-direct-storage-layout",
    "0003-hash-and-id-n-tuple-storage-layout", "0004-hashed-n-tuple-storage-layout",
    "0005-mutable-head", "0006-flat-omit-prefix-storage-layout",
    "0007-n-tuple-omit-prefix-storage-layout", "0008-schema-registry", "0009-digest-algorithms",
    "0010-differential-n-tuple-omit-prefix-storage-layout", "0011-direct-clean-path-layout",
}  # fmt: skip
"""Registered names of extensions: https://ocfl.github.io/extensions."""

_ALGORITHM = "sha256"
_TUPLE, _TUPLES = 2, 2
_LONGEST = 100
_CONFIG = {
    "extensionName": EXTENSION,
    "digestAlgorithm": _ALGORITHM,
    "tupleSize": _TUPLE,
    "numberOfTuples": _TUPLES,
}
_PLACE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[A-Za-z0-9_%-]{1,165}")
_OTHERS = re.compile(rb"[^A-Za-z0-9_-]")


def layout_files() -> dict[str, bytes]:
    """Give the files that declare a root and its layout, by path below the root."""
    layout = {"extension": EXTENSION, "description": "Hashed N-tuple, with the object's id"}
    return {
        f"extensions/{EXTENSION}/config.json": _json(_CONFIG),
        LAYOUT_FILE: _json(layout),
        ROOT_DECLARATION: ROOT_DECLARATION_TEXT,
    }


def is_our_config(data: bytes) -> bool:
    """Say whether a layout configuration is the one that `object_path` follows."""
    try:
        return bool(json.loads(data) == _CONFIG)
    except ValueError:
        return False


def is_object_path(path: str) -> bool:
    """Say whether a path below a root is one that `object_path` gives."""
    return _PLACE.fullmatch(path) is not None


@lru_cache(maxsize=1024)
def object_path(object_id: str) -> str:
    """Give the path of an object below its root.

    >>> object_path("urn:uuid:1")
    '55/1e/urn%3auuid%3a1'
    """
    digest = hashlib.sha256(object_id.encode()).hexdigest()
    tuples = [digest[at : at + _TUPLE] for at in range(0, _TUPLE * _TUPLES, _TUPLE)]
    encoded = _OTHERS.sub(lambda found: b"%%%02x" % found[0][0], object_id.encode()).decode()
    if len(encoded) > _LONGEST:
        encoded = f"{encoded[:_LONGEST]}-{digest}"
    return "/".join([*tuples, encoded])


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"
