"""The page of errors and exit codes, from the classes of errors."""

from typing import TypeVar

from backup.errors import BackupError
from ops.errors import OpsError

Family = TypeVar("Family", BackupError, OpsError)

_HEAD = """# Errors and exit codes

<!-- written by `make docs` from the classes of errors; change those instead -->

An error says what happened, why, whether data is safe, and what to type next:

```
error: cannot write snapshot of "cong-chinh" to store "near"
  why: no room left
  data: nothing was lost; the last good snapshot is 4f2a91c0 of 24/11/2026 01:03
  next: make room, then run `fab backup.run --site cong-chinh`
```

Tracebacks appear with `--debug` only.

## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | failed; in `python -m backup` wrong usage too, as restic has it |
| 2 | wrong usage (tasks) |
| 3 | done, but incomplete |
| 4 | waiting for approval by another person |
| 10 | no repository there |
| 11 | the repository is locked |
| 12 | wrong key |
| 130 | interrupted |

Of several sites the gravest counts, in the order 130, 2, 1, 12, 10, 11, 4, 3.
"""


def render_errors() -> str:
    """Render the page."""
    sections = [
        _render_family("Errors of the engine", BackupError),
        _render_family("Errors of the service", OpsError),
    ]
    return "\n".join([_HEAD, *sections])


def _render_family(title: str, root: type[Family]) -> str:
    lines = [f"## {title}", "", "| error | exit code | meaning |", "|---|---|---|"]
    lines += [
        f"| {'&nbsp;&nbsp;' * depth}`{error.__name__}` | {error.exit_code} | {_summarise(error)} |"
        for depth, error in _walk(root, 0)
    ]
    return "\n".join(lines) + "\n"


def _walk(error: type[Family], depth: int) -> list[tuple[int, type[Family]]]:
    """List an error and those below it in the same module, each with its depth, by name."""
    below = [child for child in error.__subclasses__() if child.__module__ == error.__module__]
    below.sort(key=lambda child: child.__name__)
    return [(depth, error)] + [entry for child in below for entry in _walk(child, depth + 1)]


def _summarise(error: type[Exception]) -> str:
    return (error.__doc__ or "").strip().splitlines()[0]
