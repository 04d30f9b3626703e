"""List runbooks and the runs that are not over; show one runbook, or the steps of one run."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from ops.access.identity import open_existing
from ops.estate.load.load import load_estate
from ops.journal.journal import Origin
from ops.language.formats import format_duration, format_id, format_moment
from ops.language.text import N_, _, fill
from ops.runbooks.asker import STATES
from ops.runbooks.bare_machine import estate_place, where_estate_is
from ops.runbooks.library import find_runbook, load_runbooks
from ops.runbooks.run import tell_language, write_plan
from ops.runbooks.states import CatalogStates, list_unfinished
from ops.runbooks.tasks import ListRunbooks, ShowRunbook
from ops.terminal.output import write_json, write_line, write_table
from ops.terminal.view import Column, Row, View, moment, short_id, write_list
from runbooks.errors import RunbookUseError, no_such_run
from runbooks.procedure import Runbook
from runbooks.state import RunState


def show_runbooks(wish: ListRunbooks) -> None:
    """Write every runbook, and the runs that are not over; on a bare machine the runbooks."""
    estate = load_estate() if where_estate_is() else None
    runbooks = load_runbooks(estate_place())
    catalog = open_existing(estate) if estate else None
    runs: list[RunState] = []
    if catalog is not None:
        with catalog, catalog.reading() as session:
            runs = list_unfinished(session)
    if wish.json:
        write_json([_describe(it) for it in runbooks], runs=list(map(_brief, runs)))
        return
    heads = [_("Runbook"), _("What it does"), _("Steps"), _("Owner")]
    rows = [(it.id, it.title, str(len(it.steps)), it.owner) for it in runbooks]
    write_table(heads, rows, right=(2,))
    tell_language(runbooks)
    if runs and estate:
        zone = estate.organisation.timezone
        write_list(UNFINISHED, map(tell_standing, runs), as_json=False, zone=zone)
        write_line(fill(N_("Go on with one: `{program} runbook.resume --run RUN`"), {}))


def tell_standing(state: RunState) -> dict[str, Any]:
    """Give a row of `UNFINISHED`; without number and state where no step was begun."""
    last = state.records[-1] if state.records else None
    return {
        "id": state.id,
        "runbook": state.runbook,
        "started_at": state.started_at,
        "person": state.person,
        "number": last.number if last else 0,
        "state": last.state if last else "",
    }


def _step(row: Row) -> str:
    return f"{row['number']}: {_(STATES[row['state']])}" if row["state"] else _("not begun")


UNFINISHED = View(
    N_("Every run is over."),
    Column("id", N_("Run that is not over"), short_id, link="/runbooks?run={id}"),
    Column("runbook", N_("Runbook")),
    Column("started_at", N_("Begun"), moment),
    Column("person", N_("By")),
    Column("state", N_("Stands at step"), of=_step),
)


def _brief(state: RunState) -> dict[str, Any]:
    names = ("id", "runbook", "person", "standing", "going_back", "values", "started_at")
    return {name: getattr(state, name) for name in names}


def _describe(runbook: Runbook) -> dict[str, Any]:
    return {
        "id": runbook.id,
        "title": runbook.title,
        "owner": runbook.owner,
        "systems": list(runbook.systems),
        "rto_hours": runbook.rto_hours,
        "rpo_hours": runbook.rpo_hours,
        "sha256": runbook.digest,
        "variables": [asdict(it) for it in runbook.variables.values()],
        "steps": [
            {
                "number": step.number,
                "kind": step.kind,
                "sentence": step.sentence,
                "two_people": step.two_people,
                "body": step.body,
            }
            for step in runbook.steps
        ],
    }


def show_runbook(wish: ShowRunbook) -> None:
    """Write a runbook's values and steps; or the tries of a run, with their outputs' hashes.

    Raises:
        RunbookUseError: There is none; neither or both were asked for.
    """
    if bool(wish.id) == bool(wish.run):
        raise RunbookUseError(
            "give either a runbook or a run",
            data="nothing was changed",
            next_step="`{program} runbook.list` lists both",
        )
    if wish.run:
        _show_run(wish.run, as_json=wish.json)
        return
    runbook = find_runbook(estate_place(), wish.id)
    if wish.json:
        write_json([_describe(runbook)])
        return
    tell_language([runbook])
    write_plan(runbook, {}, runbook.steps)
    write_line()
    for variable in runbook.variables.values():
        asked = variable.name in runbook.asked or variable.secret
        how = _("asked for") if asked else f"--set {variable.name}=…"
        write_line(f"  {variable.name}: {variable.title} ({how})")


def _show_run(run: str, *, as_json: bool) -> None:
    estate = load_estate()
    catalog = open_existing(estate)
    if catalog is None:
        raise no_such_run(run)
    with catalog:
        state = CatalogStates(catalog, Origin(via="cli")).load(run)
    if as_json:
        steps = [
            asdict(it) | {"output_sha256": it.output_sha256, "seconds": it.seconds}
            for it in state.records
        ]
        whole = {"ended_at": state.ended_at, "seconds": state.seconds, "steps": steps}
        write_json([{**_brief(state), **whole}])
        return
    zone = estate.organisation.timezone
    heads = [_("Step"), _("Try"), _("Ended"), _("Took"), _("State"), _("By"), _("Approved by"),
             _("Answer"), _("SHA-256 of the output")]  # fmt: skip
    rows = [
        (
            str(it.number),
            str(it.attempt),
            format_moment(it.ended_at, zone) if it.ended_at else "–",
            _tell_duration(it.seconds),
            _(STATES[it.state]),
            it.person,
            it.approved_by or "–",
            it.answer or "–",
            it.output_sha256,
        )
        for it in state.records
    ]
    write_table(heads, rows, title=f"{state.runbook} · {format_id(state.id)}")
    if state.seconds is not None:
        text = _("It took {duration} from its beginning to its end, pauses included.")
        write_line(text.format(duration=_tell_duration(state.seconds)))


def _tell_duration(seconds: float | None) -> str:
    return "–" if seconds is None else format_duration(timedelta(seconds=seconds))
