"""What the rotation is decided from: what duties ask, every try there was, open findings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import takewhile

from ops.drills.records import Kind
from ops.drills.rotation.needs import Line, Wanted

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDrill:
    """One try at a drill.

    Attributes:
        site, scope, engine, from_paper, store: As in `ops.catalog.tables.drills.Drill`.
        outcome: Empty where it was begun and not concluded.
        at: When it ended, else when it began; in the organisation's zone.
        path: The file that was restored; empty for a whole site.
    """

    site: str
    scope: Kind
    engine: str
    at: datetime
    outcome: str
    from_paper: bool = False
    store: str = ""
    path: str = ""

    @property
    def day(self) -> date:
        """On which day."""
        return self.at.date()

    @property
    def is_good(self) -> bool:
        """Whether it counts."""
        return self.outcome == "ok"

    def meets(self, wanted: Wanted) -> bool:
        """Say whether it is of the kind that is wanted."""
        return (
            self.scope == wanted.scope
            and wanted.engine in {"", self.engine}
            and self.from_paper >= wanted.from_paper
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFinding:
    """What a drill has shown and none has shown fixed; as in `ops.drills.findings.Finding`.

    Attributes:
        opened_on, due_on: Days.
        path: The file it is about; empty for a whole site.
    """

    id: str
    site: str
    scope: Kind
    engine: str
    from_paper: bool
    store: str
    opened_on: date
    due_on: date
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationFacts:
    """What the rotation is decided from.

    Attributes:
        today: The organisation's day.
        lines: What duties ask, as of `ops.drills.rotation.needs.list_lines`.
        drills: Every try there was, in any order.
        findings: The open ones of sites that the estate names, oldest first.
        stores: For each site the stores that hold a backup of the whole of it, in the estate's
            order; a site that is missing has no backup.
        stock_every: One in so many drills of whole sites is done with stock restic.
    """

    today: date
    lines: Sequence[Line]
    drills: Sequence[PastDrill]
    findings: Sequence[OpenFinding] = ()
    stores: Mapping[str, Sequence[str]]
    stock_every: int = 3


@dataclass(slots=True)
class Tries:
    """The tries of one kind at one site.

    Attributes:
        like: One of them; the others have its scope, its engine and its `from_paper`.
        newest_good: When the newest good one ended; long ago where there is none.
        good_copies: The same for each store that one of them was restored from.
        in_vain: Those that did not go well, in the order of time.
    """

    like: PastDrill
    newest_good: datetime = LONG_AGO
    good_copies: dict[str, datetime] = field(default_factory=dict)
    in_vain: list[PastDrill] = field(default_factory=list)

    def add(self, drill: PastDrill) -> None:
        """Add one that is younger than all before."""
        if drill.is_good:
            self.newest_good = self.good_copies[drill.store] = drill.at
        else:
            self.in_vain.append(drill)

    def in_vain_since(self, day: date) -> Iterator[PastDrill]:
        """Yield those that did not go well on a day or later, the youngest first."""
        return takewhile(lambda it: it.day >= day, reversed(self.in_vain))


@dataclass(frozen=True, slots=True)
class Past:
    """What was, sorted once.

    Attributes:
        facts: All facts.
        of_site: The tries by site, each kind for itself.
        whole: Those of whole sites, in the order of time.
    """

    facts: RotationFacts
    of_site: Mapping[str, Sequence[Tries]]
    whole: Sequence[PastDrill]

    @property
    def today(self) -> date:
        """The organisation's day."""
        return self.facts.today

    def of(self, line: Line) -> list[Tries]:
        """Give the tries that are of the kind a line wants."""
        kinds = (it for site in line.sites for it in self.of_site.get(site, ()))
        return [it for it in kinds if it.like.meets(line.wanted)]

    def newest_good(self, site: str, scope: Kind) -> datetime:
        """Give when a site's newest good drill ended; long ago where there is none."""
        kinds = self.of_site.get(site, ())
        return max((it.newest_good for it in kinds if it.like.scope == scope), default=LONG_AGO)


def sort_past(facts: RotationFacts) -> Past:
    """Sort what was."""
    tries: dict[tuple[str, str, str, bool], Tries] = {}
    drills = sorted(facts.drills, key=lambda it: it.at)
    for it in drills:
        key = (it.site, it.scope, it.engine, it.from_paper)
        if key not in tries:
            tries[key] = Tries(it)
        tries[key].add(it)
    of_site: dict[str, list[Tries]] = {}
    for (site, *_kind), found in tries.items():
        of_site.setdefault(site, []).append(found)
    return Past(facts, of_site, [it for it in drills if it.scope == "site"])
