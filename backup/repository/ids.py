"""Which id is meant by the beginning of one."""

from collections.abc import Sequence

from backup.errors import BackupError

_MOST_CANDIDATES = 5


class SnapshotNotFoundError(BackupError):
    """No snapshot, or more than one, is what was asked for."""


def choose_id(listed: Sequence[str], prefix: str, thing: str) -> str:
    """Choose the one id that begins with `prefix`.

    Args:
        listed: Ids, hexadecimal.
        prefix: What was typed.
        thing: What the ids are ids of, for the error text.

    Raises:
        SnapshotNotFoundError: None or several fit.
    """
    typed = prefix.lower()
    fitting = [file_id for file_id in listed if typed and file_id.startswith(typed)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        shown = ", ".join(file_id[:12] for file_id in fitting[:_MOST_CANDIDATES])
        raise SnapshotNotFoundError(
            "{count} ids of a snapshot begin with {prefix!r}"
            if thing == "snapshot"
            else "{count} ids of a {thing} begin with {prefix!r}",
            why="they are {shown} and more"
            if len(fitting) > _MOST_CANDIDATES
            else "they are {shown}",
            data="nothing was changed",
            next_step="type more digits",
            count=len(fitting),
            thing=thing,
            prefix=prefix,
            shown=shown,
        )
    raise SnapshotNotFoundError(
        "there is no snapshot {prefix!r}"
        if thing == "snapshot"
        else "there is no {thing} {prefix!r}",
        why="no id begins like that",
        data="nothing was changed",
        next_step="run snapshots to see those there are" if thing == "snapshot" else "",
        thing=thing,
        prefix=prefix,
    )
