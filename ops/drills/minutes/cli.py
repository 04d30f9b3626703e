"""List drills and their findings; show one drill: its minutes, or how far it has come."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from ops.access.identity import open_existing
from ops.canonical import digest_of
from ops.drills.findings import Finding, list_findings
from ops.drills.minutes.minutes import read_minutes
from ops.drills.minutes.output import write_minutes
from ops.drills.records import KeptDrill, find_drill, kind_of, list_drills
from ops.drills.rotation.due import show_due, tell_kind
from ops.drills.tasks import ListDrills, ShowDrill
from ops.drills.wording import tell_phase
from ops.duties.wording import tell_who
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_date, format_duration, format_id, format_moment
from ops.language.text import N_, _, fill
from ops.outcomes import explain
from ops.terminal.output import Cell, verdict_cell, write_json, write_line, write_table
from ops.terminal.view import Column, Row, View, duration, moment, short_id, write_list

_MOST_LISTED = 100


def _what(row: Row) -> str:
    return tell_kind(kind_of(row["scope"], row["source"]), "", from_paper=False)


def _engine(row: Row) -> str:
    engine = "restic" if row["engine"] == "restic" else _("our engine")
    return f"{engine}, {_('paper')}" if row["from_paper"] else engine


def _outcome(row: Row) -> Cell:
    return verdict_cell(row["outcome"]) if row["outcome"] else Cell(_("stopped"), "warning")


def _why(row: Row) -> str:
    code = row["reason_code"]
    return explain(code, row["params"], site=row["site"]).what if code else ""


DRILLS = View(
    N_("no drill yet: `{program} drill.run --site SITE`"),
    Column("started_at", N_("Begun"), moment, link="/drill?drill={id}"),
    Column("site", N_("Site"), link="/site?site={site}"),
    Column("scope", N_("What"), of=_what),
    Column("engine", N_("By"), of=_engine),
    Column("store", N_("Store")),
    Column("outcome", N_("Result"), of=_outcome),
    Column("rto_seconds", N_("RTO"), duration),
    Column("rpo_seconds", N_("RPO"), duration),
    Column("id", N_("Drill"), short_id),
    Column("reason_code", N_("Why"), of=_why),
)


@contextmanager
def _reading(estate: Estate) -> Iterator[Session | None]:
    catalog = open_existing(estate)
    if catalog is None:
        yield None
        return
    with catalog, catalog.reading() as session:
        yield session


def _need_known(estate: Estate, session: Session | None, site: str) -> None:
    """Refuse a site that the estate does not name and that was never drilled."""
    if site and not (session and list_drills(session, site=site, limit=1)):
        estate.site(site)


def show_list(wish: ListDrills) -> int:
    """Write drills, newest first, or what was found, or what is due; gives the exit code."""
    if wish.due:
        return show_due(wish)
    (_show_findings if wish.findings else _show_drills)(wish)
    return 0


def _show_drills(wish: ListDrills) -> None:
    estate = load_estate()
    with _reading(estate) as session:
        drills = list_drills(session, site=wish.site, limit=_MOST_LISTED) if session else []
        _need_known(estate, session, wish.site)
    zone = estate.organisation.timezone
    write_list(DRILLS, map(_brief, drills), as_json=wish.json, zone=zone)


def _brief(drill: KeptDrill) -> dict[str, Any]:
    names = (
        "id", "site", "scope", "source", "engine", "from_paper", "store", "snapshot", "taken_at",
        "run", "person", "via", "incident_at", "started_at", "ended_at", "outcome", "reason_code",
        "params", "isolated", "minutes_sha256",
    )  # fmt: skip
    spans = {name: _seconds(drill, name) for name in ("rto", "rpo")}
    return {name: getattr(drill, name) for name in names} | {
        f"{name}_seconds": seconds for name, seconds in spans.items()
    }


def _seconds(drill: KeptDrill, name: str) -> float | None:
    results = read_minutes(drill.minutes).results if drill.minutes is not None else {}
    reached: float | None = results.get(name, {}).get("reached_seconds")
    return reached


def _show_findings(wish: ListDrills) -> None:
    """Write what drills have shown and none has shown fixed."""
    estate = load_estate()
    with _reading(estate) as session:
        _need_known(estate, session, wish.site)
        findings = list_findings(session, site=wish.site) if session else []
        shown = [(it, _list_shortcomings(session, it)) for it in findings if session]
    if wish.json:
        write_json([{**asdict(it), "shortcomings": all_found} for it, all_found in shown])
        return
    if not findings:
        write_line(_("no drill has shown anything that is still to be mended"))
        return
    titles = {it.name: it.title for it in estate.people}
    heads = [_("Site"), _("What was found"), _("Answerable"), _("By when"), _("Drill")]
    rows = [_finding_row(it, found, titles) for it, all_found in shown for found in all_found]
    write_table(heads, rows)


def _list_shortcomings(session: Session, finding: Finding) -> list[dict[str, Any]]:
    """Give all that the finding's drill has found, its reason first; the reason where that is all.

    A drill that shows it fixed shows all of it fixed.
    """
    drill = find_drill(session, finding.drill)
    found: list[dict[str, Any]] = (drill.minutes or {}).get("shortcomings") or [
        {"code": finding.code, "params": finding.params}
    ]
    return [{"code": it["code"], "params": it["params"]} for it in found]


def _finding_row(
    finding: Finding, shortcoming: dict[str, Any], titles: dict[str, str]
) -> Sequence[str]:
    found = explain(shortcoming["code"], shortcoming["params"], site=finding.site)
    return (
        finding.site,
        f"{found.what}: {found.why}" if found.why else found.what,
        titles.get(finding.owner, tell_who(finding.owner)) or "–",
        format_date(finding.due),
        format_id(finding.drill),
    )


def show_drill(wish: ShowDrill) -> None:
    """Write the minutes of a drill, or how far it has come."""
    if bool(wish.drill) == bool(wish.site):
        raise WrongUseError(
            "give either a drill or a site", next_step="`{program} drill.list` lists the drills"
        )
    estate = load_estate()
    with _reading(estate) as session:
        kept = _find(session, wish.drill, wish.site)
    refuse_changed(kept)
    if wish.json:
        write_json([kept])
        return
    write_drill(kept, estate.organisation.timezone)


def _find(session: Session | None, drill: str, site: str) -> KeptDrill:
    if session is not None and drill:
        return find_drill(session, drill)
    newest = list_drills(session, site=site, limit=1) if session is not None else []
    if newest:
        return newest[0]
    raise WrongUseError(
        "no such drill was run yet",
        next_step="`{program} drill.run --site {site}`",
        site=site or "SITE",
    )


def refuse_changed(drill: KeptDrill) -> None:
    """Refuse minutes whose hash is not the one that was kept with them."""
    found = "" if drill.minutes is None else digest_of(drill.minutes)
    if found == drill.minutes_sha256:
        return
    raise OpsError(
        "the minutes of the drill {drill} have been changed since they were written",
        why="their SHA-256 is {found}, not {kept}",
        data="backups are not concerned; these minutes prove nothing any more",
        next_step="`{program} service.journal-verify`; the journal's row `drill.end` of that drill"
        " holds the hash that was written",
        drill=drill.id,
        found=found or "–",
        kept=drill.minutes_sha256 or "–",
    )


def write_drill(drill: KeptDrill, zone: str) -> None:
    """Write its minutes; of a drill that is not concluded, its phases so far."""
    if drill.minutes is not None:
        write_minutes(read_minutes(drill.minutes), drill.minutes_sha256, zone)
        return
    write_line(f"{drill.site} · {format_id(drill.id)} · {format_moment(drill.started_at, zone)}")
    for phase in drill.phases.values():
        write_line(f"  {tell_phase(phase, drill.site)}")
    if drill.run:
        text = N_("Go on with: `{program} runbook.resume --run {run}`")
        write_line(fill(text, {"run": drill.run}))


def write_file_drills(drills: Sequence[KeptDrill], zone: str) -> None:
    """Write one line for each drill of one file."""
    heads = [
        _("Site"),
        _("File"),
        _("Copy of"),
        _("Result"),
        _("SHA-256 of the list of hashes"),
        _("Took"),
    ]
    write_table(heads, [_file_row(it, zone) for it in drills], right=(5,))
    for drill in drills:
        if drill.reason_code:
            found = explain(drill.reason_code, drill.params, site=drill.site)
            write_line(
                f"{drill.site}: {found.what}: {found.why}"
                if found.why
                else f"{drill.site}: {found.what}"
            )
            if found.next_step:
                write_line(f"  → {found.next_step}")


def _file_row(drill: KeptDrill, zone: str) -> Sequence[str | Cell]:
    fetched = drill.phases["fetch"].facts if "fetch" in drill.phases else {}
    took = (drill.ended_at or drill.started_at) - drill.started_at
    return (
        drill.site,
        str(fetched.get("path", "–")),
        "–" if drill.taken_at is None else format_moment(drill.taken_at, zone),
        verdict_cell(drill.outcome or "not_checked"),
        str(fetched.get("hash_list", "–"))[:16],
        format_duration(took),
    )
