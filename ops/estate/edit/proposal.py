"""A change of root's files as the service proposes it: a file that is named by what it holds.

`STATE/proposals/ID.json`, 0600; ID is the beginning of the file's own SHA-256, so that what root
takes is what was shown when it was proposed. To root the folder is anybody's: what lies there is
bounded data, opened through no link, and believed in nothing but its digest.
"""

import difflib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from ops.durable_files import put_new
from ops.entering import StrangeLinkError, entered, read_entered
from ops.errors import OpsError, WrongUseError
from ops.language.text import make_visible

FOLDER = "proposals"
MOST_BYTES = 8 << 20
_MOST, _MOST_LOOKED_AT, _KEPT_FOR = 100, 400, timedelta(days=30)
_ID_LENGTH = 20
_FIRST_YEAR, _LAST_YEAR = 2000, 2999
_ID = re.compile(rf"[0-9a-f]{{{_ID_LENGTH}}}")

Kind = Literal["estate", "secret", "hosts"]
"""A file of the estate itself; a secret that it names, never shown; a table of host keys."""


class Proposal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of one file.

    Attributes:
        kind: What file it is.
        file: Below the folder of the estate file.
        before: SHA-256 of what it held; empty where there was none.
        content: All that it is to hold.
        task: Which task proposes it.
        by: Who typed that.
        at: When.
        nonce: So that the id of a secret's proposal tells nothing of the secret.
    """

    form: Literal[1] = 1
    kind: Kind
    file: str
    before: str
    content: bytes
    task: str
    by: str
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    nonce: str

    def details(self) -> dict[str, str]:
        """Give what the journal may hold of it: nothing of a secret's content."""
        after = {} if self.kind == "secret" else {"after": digest_of_file(self.content)}
        return {"file": self.file, "task": self.task, "before": self.before, **after}


def make_proposal(
    kind: Kind, file: str, before: bytes | None, content: bytes, *, task: str, by: str
) -> Proposal:
    """Make one, as of now."""
    return Proposal(
        kind=kind,
        file=file,
        before=digest_of_file(before),
        content=content,
        task=task,
        by=by,
        at=datetime.now(UTC),
        nonce=secrets.token_hex(16),
    )


def digest_of_file(content: bytes | None) -> str:
    """Give the digest by which a proposal knows what a file held; empty for no file."""
    return "" if content is None else sha256(content).hexdigest()


def keep_proposal(state: Path, proposal: Proposal) -> str:
    """Keep a proposal for root, and drop those that nobody took in a month; gives its id.

    Raises:
        OpsError: It is too large, or too many wait already.
        OSError: The state folder cannot be written.
    """
    folder = state / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    _drop_old(folder)
    content = msgspec.json.encode(proposal)
    if len(content) > MOST_BYTES or sum(1 for _it in _list(folder)) >= _MOST:
        raise OpsError(
            "the change of {file} cannot be proposed",
            why="it is larger than {most} MiB, or too many proposals wait for root",
            data="nothing was changed",
            next_step="have root take or remove what waits: `{program} estate.take`",
            file=proposal.file,
            most=MOST_BYTES >> 20,
        )
    name = _id_of(content)
    put_new(folder / f"{name}.json", content, 0o600)
    return name


def find_proposal(state: Path, name: str) -> Proposal:
    """Give a proposal by its id.

    Raises:
        WrongUseError: There is none.
        OpsError: It is not what it was, or was put there by others.
    """
    if not _ID.fullmatch(name):
        raise _missing(name)
    path = state / FOLDER / f"{name}.json"
    try:
        with entered(path) as place:
            content, _found = read_entered(place, MOST_BYTES)
        is_whole = _id_of(content) == name
        found = msgspec.json.decode(content, type=Proposal) if is_whole else None
    except FileNotFoundError as error:
        raise _missing(name) from error
    except (OSError, StrangeLinkError, msgspec.DecodeError, RecursionError) as error:
        raise _strange(name) from error
    if found is None or not _FIRST_YEAR <= found.at.year <= _LAST_YEAR:  # what no zone can tell
        raise _strange(name)
    return found


def list_proposals(state: Path) -> tuple[list[tuple[str, Proposal]], bool]:
    """Give what waits for root, the oldest first; and whether more lies there, not looked at.

    What is no proposal is left out.
    """
    found, is_more = list[tuple[str, Proposal]](), False
    with suppress(OSError), os.scandir(state / FOLDER) as there:
        for path in map(Path, islice(there, _MOST_LOOKED_AT)):
            with suppress(OpsError):
                found.append((path.stem, find_proposal(state, path.stem)))
        is_more = next(there, None) is not None
    return sorted(found, key=lambda it: it[1].at.timestamp()), is_more


def find_equal(state: Path, made: Proposal) -> str:
    """Give the id of what waits already and does the same; empty where nothing does.

    A secret is never compared: its id is to tell nothing of it.
    """
    if made.kind == "secret":
        return ""
    wanted = (made.kind, made.file, made.before, made.content)
    for name, it in list_proposals(state)[0]:
        if (it.kind, it.file, it.before, it.content) == wanted:
            return name
    return ""


def drop_proposal(state: Path, name: str) -> None:
    """Remove a proposal that was taken."""
    (state / FOLDER / f"{name}.json").unlink(missing_ok=True)


def _list(folder: Path) -> Iterator[Path]:
    yield from (it for it in folder.iterdir() if _ID.fullmatch(it.stem))


def _drop_old(folder: Path) -> None:
    before = (datetime.now(UTC) - _KEPT_FOR).timestamp()
    for path in _list(folder):
        with suppress(OSError):
            if path.lstat().st_mtime < before:
                path.unlink()


def _id_of(content: bytes) -> str:
    return sha256(content).hexdigest()[:_ID_LENGTH]


def _missing(name: str) -> WrongUseError:
    return WrongUseError(
        "there is no proposal {id}",
        why="it was taken already, or has waited for more than a month",
        next_step="`{program} estate.take` lists what waits",
        id=name,
    )


def _strange(name: str) -> OpsError:
    return OpsError(
        "the proposal {id} is not believed",
        why="it is not what it was when it was proposed, or others put it there",
        data="nothing was changed",
        next_step="have it proposed anew, and ask who has the rights of the service's user",
        id=name,
    )


def show_difference(name: str, before: bytes | None, after: bytes) -> Iterator[str]:
    """Yield what would change in a file, as `diff -u` does; what cannot be seen is escaped."""
    old, new = _lines(before or b""), _lines(after)
    name = _seen(name).replace("\t", "\\t")
    head = "/dev/null" if before is None else name
    yield from difflib.unified_diff(old, new, head, name, lineterm="")


def _lines(content: bytes) -> list[str]:
    text = content.decode("utf-8", "backslashreplace")
    lines = [_seen(line) for line in text.split("\n")]
    if lines and not lines[-1]:
        return lines[:-1]
    return [*lines[:-1], f"{lines[-1]}  \\ (no newline at the end)"] if lines else lines


def _seen(line: str) -> str:
    """Escape what commands a terminal, turns the writing round or takes no place; tabs stay."""
    shown = (
        it if it.isprintable() or it == "\t" else it.encode("unicode_escape").decode()
        for it in line
    )
    return make_visible("".join(shown))
