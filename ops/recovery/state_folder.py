"""Everything that the state folder may hold, and whether the service's own backup takes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.documents.files import FOLDER as DOCUMENTS
from ops.documents.files import list_kept
from ops.estate.edit.proposal import FOLDER as PROPOSALS
from ops.estate.load.read import CHANGEABLE, INSTALLED_PATH
from ops.hosts.connect import KNOWN_HOSTS
from ops.sites.keep import SUFFIX
from ops.terminal.elsewhere import SOCKET


@dataclass(frozen=True, slots=True)
class StatePart:
    """One thing at the top of the state folder.

    Attributes:
        why: Why it is saved, or left out.
        saved: What of it is saved, by the state folder; None where it is left out.
    """

    why: str
    saved: Callable[[Path], list[Path]] | None = None


PARTS: Mapping[str, StatePart] = {
    KNOWN_HOSTS: StatePart(
        "which host keys people have compared: nobody could tell after a loss",
        lambda state: [state / KNOWN_HOSTS],
    ),
    CHANGEABLE: StatePart(
        "the part of the estate that the service itself writes", lambda state: [state / CHANGEABLE]
    ),
    f"{INSTALLED_PATH.name}{SUFFIX}": StatePart("a copy of the estate file while it is changed"),
    PROPOSALS: StatePart("what is proposed for the estate file: proposed anew after a loss"),
    f"{KNOWN_HOSTS}.lock": StatePart("who writes that table at this moment"),
    ".ssh": StatePart(
        "the home of the service's user: the host keys it trusts, never its own keys",
        lambda state: [state / ".ssh/known_hosts"],
    ),
    DOCUMENTS: StatePart("papers that people have handed in", list_kept),
    "series.db": StatePart("figures of the watch: many, and worth little after a loss"),
    "watch.json": StatePart("when the watch looked last: of this process alone"),
    "heartbeat.json": StatePart("when the service told that it lives: of this process alone"),
    "locks": StatePart("who works at this moment, on this machine"),
    "live": StatePart("how far runs of this moment are"),
    "limits": StatePart("how much bandwidth was used in this second"),
    "console": StatePart("what acts at the console gave, until it is fetched"),
    "office.sock": StatePart("where the console's two processes meet"),
    SOCKET.name: StatePart("where the service hears who types"),
    "acts": StatePart("what acts with secrets made, until who typed has it"),
    "switches": StatePart(
        "how to go on with a database that is being switched: a plan of before a loss would undo"
        " what has come since; what is on the server tells"
    ),
    "key-rotations": StatePart(
        "how to go on with a master key that is being replaced: likewise; the store tells"
    ),
    "archive": StatePart("an index over the archive: `archive.reindex` makes it anew"),
    "archive-web": StatePart("pages that are being captured: captured again, else in the archive"),
    "scratch": StatePart("`[service] scratch`: what a run needs while it goes on"),
    "cache": StatePart("`[service] cache`: made anew"),
    "drill": StatePart("`[drill] workdir`: sites of rehearsals"),
    "keys": StatePart("secrets: its own two are saved encrypted, all others come from their safe"),
}
"""By name. The catalog is not among them: it is saved by a copy of its own."""


def list_saved(state: Path) -> list[Path]:
    """Give the files of the state folder that are saved; those that are not there among them."""
    parts = [it.saved for it in PARTS.values() if it.saved]
    return [path for saved in parts for path in saved(state)]
