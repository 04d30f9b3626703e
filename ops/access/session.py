"""What somebody at a terminal works with: estate, catalog, and who acts."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from ops.access.caller import current_caller, is_at_console
from ops.access.identity import find_actor, login_at_terminal
from ops.canonical import digest_of
from ops.catalog.open import Catalog, open_catalog, open_for_rehearsal
from ops.errors import DEEDS
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.estate.versions import remember_estate
from ops.journal.journal import Entry, Origin, append
from ops.meanwhile import meanwhile
from ops.parts import Seam
from ops.terminal.output import BORDER
from ops.version import software_version


@dataclass(frozen=True, slots=True)
class Bench:
    """What somebody at a terminal works with.

    Attributes:
        estate: As loaded.
        catalog: Open.
        origin: Who acts, for the journal.
        is_rehearsal: Whether nothing is kept of what is written to the catalog.
    """

    estate: Estate
    catalog: Catalog
    origin: Origin
    is_rehearsal: bool = False

    def note(self, action: str, subject: str, details: Mapping[str, object], **said: str) -> None:
        """Journal an act; `said` is what else the journal holds: a reason, a document."""
        with self.catalog.writing() as session:
            append(session, replace(self.origin, **said), [Entry(action, subject, details)])


AFTER_DECISION: Seam[Callable[[Bench], None]] = Seam("after-decision")


PAST: Seam[Callable[[Bench], None]] = Seam("past-of-stores")


def look_at_past(bench: Bench) -> None:
    """Have the index know what stores held before this catalog, before it says who may do what."""
    for look in PAST.parts():
        look(bench)


def follow_decision(bench: Bench) -> None:
    """Have done what follows when people have decided, or who they are has changed."""
    for follow in AFTER_DECISION.parts():
        follow(bench)


@contextmanager
def at_bench(estate: Estate, *, dry_run: bool = False) -> Iterator[Bench]:
    """Open the catalog for a person's work, and remember the estate in force.

    Args:
        estate: As loaded.
        dry_run: Keep nothing of what is written to the catalog.
    """
    url, origin = reveal(estate.catalog.url), person_at_terminal(estate)
    if dry_run:
        version = digest_of(estate.document())
        with meanwhile(DEEDS, None), open_for_rehearsal(url) as rehearsed:
            yield Bench(estate, rehearsed, replace(origin, estate=version), is_rehearsal=True)
        return
    with open_catalog(url) as catalog:
        # No deed of the act's, and no item of what it tells programs.
        with meanwhile(DEEDS, None), meanwhile(BORDER, None), catalog.writing() as session:
            version = remember_estate(
                session, estate.document(), now=datetime.now(UTC), origin=origin
            )
        yield Bench(estate, catalog, replace(origin, estate=version))


def note_act(estate: Estate, *entries: Entry, **said: str) -> None:
    """Journal what somebody has done at a terminal.

    Args:
        estate: In force now.
        entries: What was done.
        said: What else the journal holds of it: a reason, a document.
    """
    with at_bench(estate) as bench, bench.catalog.writing() as session:
        append(session, replace(bench.origin, **said), entries)


@contextmanager
def reading(estate: Estate) -> Iterator[Session]:
    """Open the catalog for one look; nothing in it is kept."""
    with open_catalog(reveal(estate.catalog.url)) as catalog, catalog.reading() as session:
        yield session


def person_at_terminal(estate: Estate) -> Origin:
    """Say who acts: the login behind `sudo` and whose it is, or who is logged in at the console."""
    person, caller = find_actor(estate.people), current_caller()
    name = person.name if person else ""
    via, address = "console" if is_at_console() else "cli", caller.address if caller else ""
    login = login_at_terminal()
    return Origin(via=via, person=name, login=login, address=address, software=software_version())
