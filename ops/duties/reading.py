"""Read one table of duties or holidays; what is wrong with it is collected, never raised."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ops.errors import OpsError, Problem
from ops.estate.load import render_key
from ops.estate.shape import describe
from ops.toml import read_toml

Table = TypeVar("Table", bound=BaseModel)


class DutiesError(OpsError):
    """Tables of duties or holidays have mistakes; holds every one of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "the tables of duties and holidays cannot be used; problems found: {count}",
            data="nothing was changed; backups already taken are not affected",
            next_step="correct the lines above, then run `{program} duty.list`",
            count=len(self.problems),
        )


def read_table(path: Path, model: type[Table], problems: list[Problem]) -> Table | None:
    """Read one table; what is wrong with it is added to the problems."""
    data = _parse(path, problems)
    if data is None:
        return None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for details in error.errors(include_url=False, include_input=False):
            found = describe(details, details["loc"], model)
            key = render_key(details["loc"], data)
            problems.append(Problem(key, found.what, found.fix, found.params, path))
    return None


def _parse(path: Path, problems: list[Problem]) -> dict[str, Any] | None:
    try:
        return read_toml(path)
    except OSError as error:
        problems.append(
            Problem(
                "",
                "the file cannot be read: {reason}",
                "create it or remove the entry",
                {"reason": error.strerror},
                path,
            )
        )
    except ValueError as error:
        problems.append(
            Problem(
                "",
                "the file is not valid TOML: {reason}",
                "correct it there; texts stand between quotes, dates do not",
                {"reason": str(error)},
                path,
            )
        )
    return None
