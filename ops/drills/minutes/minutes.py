"""The minutes of a drill (biên bản diễn tập khôi phục) as a value, built from records alone; pure.

Seven parts, in the order that law.md 2.7 of the design asks for: time, place, people; purpose,
scenario, copy; environment; course; results; shortcomings; conclusion. They hold codes and figures;
sentences are made where they are shown (`ops.drills.minutes.output`, and later a Word file).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from ops.drills.findings import Terms
from ops.drills.minutes.verdict import Aims, Judgement, Measured
from ops.drills.records import KeptDrill, KeptPhase

FORMAT = "giucong-drill-minutes"
VERSION = 2
_MOST_LOG_LINES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the estate says on the day: names as documents use them.

    Attributes:
        organisation, authority, place: Of the Center.
        site_title, unit_title, system: Of the site.
        location, medium: Of the store.
        machine: Name of the machine the drill was run on.
        people: Name → title.
        owner: Name of who answers for the site; empty where the estate names nobody.
        personal_data: Whether the site holds personal data.
    """

    organisation: str
    authority: str
    place: str
    site_title: str
    unit_title: str
    system: str
    location: str
    medium: str
    machine: str
    people: Mapping[str, str]
    owner: str
    personal_data: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Minutes:
    """The minutes.

    Attributes:
        format, version: Of this value.
        drill: Id of the drill.
        when: Part I: `incident_at`, `started_at`, `ended_at`, ISO 8601 in UTC; `place`, `machine`,
            `organisation`, `authority`.
        people: Part I: name, title and part (`carried_out`, `answers_for_site`) of each.
        scenario: Part II: site, unit, system, scope, whether keys came from paper, who asked why.
        copy: Part II: id, version (what wrote it), moment, store with place and medium, source, who
            restored it; databases of later snapshots by name, with `snapshot` and `taken_at`.
        environment: Part III: isolation, bounds, probes, versions, room, scan.
        course: Part IV: moment, phase, person, seconds, outcome, reason of each phase.
        results: Part V: files, hashes, metadata, databases, pages, `rto` and `rpo` with target and
            reached, the newest content, status; the servers' last lines where not all was well.
        shortcomings: Part VI: code, parameters, person, date of each.
        conclusion: Part VII: outcome, reason, parameters; what it leaves to be signed.
    """

    format: str
    version: int
    drill: str
    when: Mapping[str, Any]
    people: Sequence[Mapping[str, str]]
    scenario: Mapping[str, Any]
    copy: Mapping[str, Any]
    environment: Mapping[str, Any]
    course: Sequence[Mapping[str, Any]]
    results: Mapping[str, Any]
    shortcomings: Sequence[Mapping[str, Any]]
    conclusion: Mapping[str, Any]

    def as_values(self) -> dict[str, Any]:
        """Give JSON values."""
        return asdict(self)


def read_minutes(values: Mapping[str, Any]) -> Minutes:
    """Give minutes back from their JSON values; those of an earlier version in today's form.

    Version 1 had the age of the newest content as RPO, and the copy's beside it.
    """
    if values["version"] > 1:
        return Minutes(**values)
    results = values["results"]
    old = results["rpo"]
    rpo = {"target_seconds": old["target_seconds"], "reached_seconds": old["copy_age_seconds"]}
    newest = {"at": old["newest_at"], "in": old["newest_in"], "age_seconds": old["reached_seconds"]}
    return Minutes(**{**values, "results": {**results, "rpo": rpo, "newest": newest, "log": []}})


@dataclass(frozen=True, slots=True)
class DrillVerdict:
    """What the drill came to, for the minutes."""

    judgement: Judgement
    measured: Measured
    aims: Aims
    terms: Terms


def make_minutes(
    drill: KeptDrill, setting: Setting, verdict: DrillVerdict, *, ended_at: datetime
) -> Minutes:
    """Write the minutes of a drill that is judged.

    Args:
        drill: With all its phases.
        setting: What the estate says on the day.
        verdict: What it came to; `terms`: who mends findings, and by when.
        ended_at: When it was concluded; aware.
    """
    judged = verdict.judgement
    return Minutes(
        format=FORMAT,
        version=VERSION,
        drill=drill.id,
        when={
            "incident_at": drill.incident_at.isoformat(),
            "started_at": drill.started_at.isoformat(),
            "ended_at": ended_at.isoformat(),
            "place": setting.place,
            "machine": setting.machine,
            "organisation": setting.organisation,
            "authority": setting.authority,
        },
        people=list(_list_people(drill, setting)),
        scenario={
            "site": drill.site,
            "title": setting.site_title,
            "unit": setting.unit_title,
            "system": setting.system,
            "scope": drill.scope,
            "from_paper": drill.from_paper,
            "via": drill.via,
            "reason": drill.reason,
            "document": drill.document,
        },
        copy=_describe_copy(drill, setting),
        environment=_describe_environment(drill),
        course=[_describe_step(it) for it in drill.phases.values()],
        results=_describe_results(drill, verdict, setting),
        shortcomings=[
            {
                "outcome": outcome,
                "code": code,
                "params": dict(params),
                "owner": verdict.terms.owner,
                "due": verdict.terms.due.isoformat(),
            }
            for outcome, code, params in judged.faults
        ],
        conclusion={
            "outcome": judged.outcome,
            "reason": judged.reason,
            "params": dict(judged.params),
        },
    )


def _list_people(drill: KeptDrill, setting: Setting) -> Iterator[dict[str, str]]:
    """Name who carried out phases, in that order, and who answers for the site."""
    names = [drill.person, *(it.person for it in drill.phases.values())]
    for name in dict.fromkeys(filter(None, names)):
        yield {"name": name, "title": setting.people.get(name, name), "part": "carried_out"}
    if setting.owner:
        title = setting.people.get(setting.owner, setting.owner)
        yield {"name": setting.owner, "title": title, "part": "answers_for_site"}


def _describe_copy(drill: KeptDrill, setting: Setting) -> dict[str, Any]:
    fetched = drill.facts_of("fetch")
    return {
        "snapshot": drill.snapshot,
        "version": str(drill.facts_of("rehearse").get("made_by", {}).get("software", ""))
        or str(fetched.get("made_by", "")),
        "taken_at": None if drill.taken_at is None else drill.taken_at.isoformat(),
        "source": drill.source,
        "store": drill.store,
        "location": setting.location,
        "medium": setting.medium,
        "restored_by": drill.engine,
        "restored_with": str(fetched.get("engine", "")),
        "databases_of": dict(fetched.get("databases_of", {})),
    }


def _describe_environment(drill: KeptDrill) -> dict[str, Any]:
    prepared, scanned = drill.facts_of("prepare"), drill.phases.get("scan")
    result = drill.facts_of("rehearse").get("result", {})
    return {
        "isolated": result.get("isolated"),
        "isolation": result.get("isolation", prepared.get("isolation", {})),
        "bounded": result.get("bounded"),
        "probed": len(result.get("probed", ())),
        "reached": list(result.get("reached", ())),
        "versions": prepared.get("versions", {}),
        "servers": [
            {name: it[name] for name in ("name", "engine", "server_wanted", "server_here")}
            for it in result.get("databases", ())
        ],
        "free_bytes": prepared.get("free_bytes"),
        "needed_bytes": prepared.get("needed_bytes"),
        "scan": None if scanned is None else _describe_scan(scanned),
    }


def _describe_scan(phase: KeptPhase) -> dict[str, Any]:
    names = ("tool", "database", "database_at", "files", "infected", "not_checked_count", "needed")
    told = {name: phase.facts[name] for name in names if name in phase.facts}
    return {**told, "outcome": phase.outcome, "reason": phase.reason, "params": dict(phase.params)}


def _describe_step(phase: KeptPhase) -> dict[str, Any]:
    return {
        "at": phase.started_at.isoformat(),
        "phase": phase.name,
        "attempt": phase.attempt,
        "person": phase.person,
        "seconds": round(phase.seconds, 3),
        "outcome": phase.outcome,
        "reason": phase.reason,
        "params": dict(phase.params),
    }


def _describe_results(drill: KeptDrill, verdict: DrillVerdict, setting: Setting) -> dict[str, Any]:
    fetched, result = drill.facts_of("fetch"), drill.facts_of("rehearse").get("result", {})
    names = (
        "path", "page", "items", "whole_items", "chosen_from", "entries", "files", "folders",
        "links", "size_bytes", "equal_files", "equal_entries", "difference_count", "differences",
        "hash_list", "owners_compared", "attributes_compared",
    )  # fmt: skip
    measured, aims = verdict.measured, verdict.aims
    rehearsal = drill.phases.get("rehearse")
    rehearsed_well = rehearsal is not None and rehearsal.outcome == "ok"
    return {
        **{name: fetched[name] for name in names if name in fetched},
        "databases": list(result.get("databases", ())),
        "way": result.get("way", ""),
        "pages": list(result.get("pages", ())),
        "rto": {
            "target_seconds": aims.rto.total_seconds(),
            "reached_seconds": _seconds(measured.rto),
            "parts": dict(measured.parts),
        },
        "rpo": {
            "target_seconds": aims.rpo.total_seconds(),
            "reached_seconds": _seconds(measured.rpo),
        },
        "newest": {
            "at": None if measured.newest_at is None else measured.newest_at.isoformat(),
            "in": measured.newest_in,
            "age_seconds": None
            if measured.newest_at is None
            else (drill.incident_at - measured.newest_at).total_seconds(),
        },
        "log": [] if rehearsed_well else list(result.get("log", ()))[-_MOST_LOG_LINES:],
        "wiped": _describe_wiping(drill, setting),
        "status": verdict.judgement.outcome,
    }


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _describe_wiping(drill: KeptDrill, setting: Setting) -> dict[str, Any]:
    phase = drill.phases.get("wipe")
    return {
        "done": phase is not None and phase.outcome == "ok",
        "at": None if phase is None or phase.ended_at is None else phase.ended_at.isoformat(),
        "personal_data": setting.personal_data,
    }
