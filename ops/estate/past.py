"""Make an estate of a document that the catalog keeps, for verdicts about the past."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ops.errors import OpsError
from ops.estate.models import Estate

_DAYS = ("from", "until")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class PastEstateError(OpsError):
    """A stored estate cannot be read by this version."""


def revive(document: Mapping[str, Any], path: Path) -> Estate:
    """Give the estate that `Estate.document` once gave this document of.

    Args:
        document: As stored; secrets are references.
        path: The main estate file; names the estate in texts and is not read.

    Raises:
        PastEstateError: The document is not of a form that this version knows.
    """
    context = {"folder": path.parent, "path": path}
    try:
        return Estate.model_validate(_with_days(document), context=context)
    except ValidationError as error:
        raise PastEstateError(
            "the estate as it was cannot be read by this version: {count} places do not fit",
            why="it was written by a version that knew other keys",
            data="it is kept as it was",
            next_step="look at it with `{program} estate.show --at DATE --json`",
            count=error.error_count(),
        ) from error


def _with_days(value: Any, key: str = "") -> Any:  # JSON values
    if isinstance(value, Mapping):
        return {name: _with_days(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_days(item) for item in value]
    if key in _DAYS and isinstance(value, str) and _DAY.fullmatch(value):
        return date.fromisoformat(value)
    return value
