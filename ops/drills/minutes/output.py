"""Show minutes on a terminal: the seven parts, targets beside what was reached, the evidence."""

import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ops.drills.minutes.minutes import Minutes
from ops.drills.minutes.tables import (
    COURSE,
    MEASURES,
    PAGES,
    SHARES,
    SHORTCOMINGS,
    course_rows,
    measure_rows,
    page_rows,
    part_rows,
    server_rows,
    shortcoming_rows,
)
from ops.drills.minutes.verdict import WARNED
from ops.duties.wording import tell_medium
from ops.language.formats import format_moment, format_number, format_second, format_size
from ops.language.text import N_, _
from ops.terminal.output import (
    Cell,
    is_terminal,
    verdict_cell,
    write_cells,
    write_line,
    write_table,
)

Pair = tuple[str, str | Cell]

_MARGIN = 6
_LEAST_WIDTH = 30

CONCLUSIONS: Mapping[str, str] = {
    "ok": N_("PASSED: the site was restored, started and compared, within the targets."),
    "incomplete": N_("INCOMPLETE: not everything that is needed could be checked."),
    "failed": N_("FAILED: see the shortcomings."),
    "not_checked": N_("NOT CHECKED: there was nothing yet that could be taken back."),
}
REMARKED = N_(
    "PASSED WITH REMARKS: the site was restored, started and compared, within the targets; what the"
    " backup had warned of stands among the shortcomings."
)
ARCHIVE_PASSED = N_(
    "PASSED: the items came back whole from a copy of the archive, within the targets."
)
_PURPOSES: Mapping[str, str] = {
    "site": N_("prove that the whole site comes back from its backup, in time"),
    "file": N_("prove that a file chosen by lot comes back from the backup"),
    "archive": N_("prove that items chosen by lot come back whole from a copy of the archive"),
}
_SCENARIOS: Mapping[str, str] = {
    "site": N_("the site is lost: files and databases, on a machine without its own"),
    "file": N_("one file is lost"),
    "archive": N_("the archive is lost; a copy of it is left"),
}

_BOUNDED_BY: Mapping[str, str] = {
    "group": N_("by the kernel, all together"),
    "namespace": N_("by the kernel, all together"),
    "account": N_("by the kernel, for each account"),
    "watch": N_("by the kernel for each process; all together watched"),
}
_UNBOUNDED: Mapping[str, str] = {
    "memory": N_("memory of all processes together"),
    "processes": N_("processes of all accounts together"),
    "disk": N_("room on the disk"),
    "processor": N_("the processor"),
}


def write_minutes(minutes: Minutes, sha256: str, zone: str) -> None:
    """Write them.

    Args:
        minutes: As kept.
        sha256: Their own hash.
        zone: Time zone of the organisation.
    """
    outcome = str(minutes.conclusion["outcome"])
    write_line()
    title = _("MINUTES OF A RESTORE DRILL")
    conclusion = _conclusion_of(minutes)
    verdict = Cell(_(conclusion).partition(":")[0], verdict_cell(outcome).tone)
    write_cells([Cell(f"{title}  "), verdict], bold=True)
    site = minutes.scenario
    write_line(f"{site['title']} ({site['site']}) · {minutes.when['organisation']}")
    _write_pairs(_("I. Time, place, people"), time_and_people(minutes, zone))
    _write_pairs(_("II. Purpose, scenario, copy"), purpose(minutes, zone))
    _write_pairs(_("III. Environment"), environment(minutes, zone))
    servers = server_rows(minutes.environment["servers"])
    if servers:
        write_table([_("Database"), _("Server of production"), _("Server here")], servers)
    _write_heading(_("IV. Course"))
    write_table(_heads(COURSE), course_rows(minutes, zone), right=(4,))
    _write_results(minutes, zone)
    _write_shortcomings(minutes)
    _write_heading(_("VII. Conclusion"))
    write_cells([Cell(f"   {_(conclusion)}", verdict_cell(outcome).tone)], bold=True)
    _write_pairs(
        "",
        [
            (_("Drill"), minutes.drill),
            (_("SHA-256 of these minutes"), sha256),
            (_("To be signed by"), ", ".join(it["title"] for it in minutes.people) or "–"),
        ],
    )


def _conclusion_of(minutes: Minutes) -> str:
    outcome = str(minutes.conclusion["outcome"])
    if minutes.copy["source"] == "archive" and outcome == "ok":
        return ARCHIVE_PASSED
    return REMARKED if minutes.conclusion["reason"] == WARNED else CONCLUSIONS[outcome]


def time_and_people(minutes: Minutes, zone: str, *, on_paper: bool = False) -> Iterable[Pair]:
    """Yield part I as labels and values; on paper a place that is known needs no machine."""
    when = minutes.when
    begun, ended = (_moment(when[name], zone, seconds=True) for name in ("started_at", "ended_at"))
    yield _("Begun, ended"), f"{begun} – {ended}"
    yield _("Loss taken to be at"), _moment(when["incident_at"], zone, seconds=True)
    machine = _("machine {name}").format(name=when["machine"])
    place = [when["place"], "" if on_paper and when["place"] else machine]
    yield _("Place"), ", ".join(filter(None, place))
    parts = {"carried_out": _("carried out"), "answers_for_site": _("answers for the site")}
    people = [f"{it['title']} ({parts[it['part']]})" for it in minutes.people]
    yield _("People"), "; ".join(people) or _("the service's clock")


def purpose(minutes: Minutes, zone: str, *, on_paper: bool = False) -> Iterable[Pair]:
    """Yield part II likewise; on paper a store is where it stands and what it is, not its name."""
    scenario, copy = minutes.scenario, minutes.copy
    kind = "archive" if copy["source"] == "archive" else scenario["scope"]
    yield _("Purpose"), _(_PURPOSES[kind])
    told = _(_SCENARIOS[kind])
    yield _("Scenario"), f"{told}; {_('keys from paper')}" if scenario["from_paper"] else told
    if scenario["reason"] or scenario["document"]:
        yield _("Reason"), " · ".join(filter(None, (scenario["reason"], scenario["document"])))
    taken = _moment(copy["taken_at"], zone) if copy["taken_at"] else "–"
    snapshot = copy["snapshot"][:16] or (_("plain copy") if kind == "archive" else "–")
    yield _("Copy"), f"{snapshot} · {taken} · {copy['version'] or '–'}"
    for name, it in copy.get("databases_of", {}).items():
        moment = _moment(it["taken_at"], zone)
        yield _("Database {name}").format(name=name), f"{it['snapshot'][:16]} · {moment}"
    where, medium = copy["location"], tell_medium(copy["medium"])
    yield _("Store"), f"{where} ({medium})" if on_paper else f"{copy['store']} ({where}, {medium})"
    ours = _("our own engine") if copy["restored_by"] == "ours" else _("stock restic, independent")
    yield _("Restored by"), f"{ours}: {copy['restored_with'] or '–'}"


def environment(minutes: Minutes, zone: str) -> Iterable[Pair]:
    """Yield part III likewise."""
    there = minutes.environment
    yield _("Isolated"), _tell_isolation(there)
    if there.get("bounded"):
        yield _("Bounded"), _tell_bounds(there["bounded"])
    if there["versions"]:
        versions = [f"{name} {version}" for name, version in there["versions"].items() if version]
        told = [it.removeprefix("restic ") for it in versions]
        yield _("Programs here"), ", ".join(map(_tell_system, told))
    if there["free_bytes"] is not None:
        yield _("Free space"), format_size(there["free_bytes"])
    if there["scan"] is not None:
        yield _("Scan before use"), _tell_scan(there["scan"], zone)


def _tell_system(program: str) -> str:
    """Leave out how the operating system was built: `Linux 6.12` of `system Linux-6.12-amd64-…`."""
    name, _blank, version = program.partition(" ")
    return " ".join(version.split("-")[:2]) if name == "system" else program


def _tell_isolation(there: Mapping[str, Any]) -> Cell:
    if there["isolated"]:
        text = _("yes, by namespaces; {count} places of production tried, none reached")
        return Cell(text.format(count=there["probed"]), "good")
    if there["reached"]:
        return Cell(
            _("NO: {reached} could be reached").format(reached=", ".join(there["reached"])), "bad"
        )
    if there["isolated"] is None:
        return Cell(_("nothing was started"), "faint")
    return Cell(_("no: {why}").format(why=there["isolation"].get("why") or "–"), "warning")


def _tell_bounds(bounded: Mapping[str, Any]) -> str:
    text = _(
        "memory {memory} ({by_memory}), {processes} processes and threads ({by_processes}),"
        " {file} a file; not bounded: {rest}"
    )
    return text.format(
        memory=format_size(bounded["memory_bytes"]),
        by_memory=_(_BOUNDED_BY[bounded["by"]["memory"]]),
        processes=format_number(bounded["processes"]),
        by_processes=_(_BOUNDED_BY[bounded["by"]["processes"]]),
        file=format_size(bounded["file_bytes"]),
        rest=", ".join(_(_UNBOUNDED[it]) for it in bounded["unbounded"]),
    )


def _tell_scan(scan: Mapping[str, Any], zone: str) -> Cell:
    cell = verdict_cell(scan["outcome"] or "not_checked")
    if "tool" not in scan:
        return cell
    text = _("{outcome}: {files} files, {tool}, signatures of {moment}").format(
        outcome=cell.text,
        files=format_number(scan["files"]),
        tool=scan["tool"],
        moment=_moment(scan["database_at"], zone),
    )
    return Cell(text, cell.tone)


def _write_results(minutes: Minutes, zone: str) -> None:
    _write_heading(_("V. Results"))
    results = minutes.results
    write_table(_heads(MEASURES), measure_rows(results), right=(1, 2))
    if results["pages"]:
        write_table(_heads(PAGES), page_rows(results["pages"]), right=(2, 3, 4))
    if results["rto"]["reached_seconds"] is not None:
        write_table(_heads(SHARES), part_rows(results), right=(1,))
    _write_pairs("", evidence(results, zone))
    if results["log"]:
        write_line()
        write_line("   " + _("Last lines of the web server, PHP and the databases in the sandbox:"))
        for line in results["log"]:
            write_line(f"   {line}")


def evidence(results: Mapping[str, Any], zone: str) -> Iterable[Pair]:
    """Yield what stands below the results likewise."""
    if results.get("path"):
        yield _("File by lot"), str(results["path"])
    if "items" in results:
        text = _("{count} of {all}").format(
            count=format_number(results["items"]), all=format_number(results["chosen_from"])
        )
        yield _("Items by lot"), text
    if page := results.get("page"):
        cell = verdict_cell(page["outcome"])
        when = _moment(page["captured"], zone, seconds=True) if page.get("captured") else ""
        why = _(page["why"]) if page.get("why") else ""
        told = " · ".join(filter(None, (cell.text, page.get("page"), when, why)))
        yield _("Captured page shown again"), Cell(told, cell.tone)
    if results["newest"]["at"]:
        newest = _moment(results["newest"]["at"], zone, seconds=True)
        where = _("in a row") if results["newest"]["in"] == "rows" else _("in a file")
        yield _("Newest content"), f"{newest} ({where})"
    if results.get("hash_list"):
        yield _("SHA-256 of the list of hashes"), str(results["hash_list"])
    if results.get("owners_compared") is False:
        yield _("Owners"), Cell(_("not checked: only root can compare them"), "warning")
    wiped = results["wiped"]
    if not wiped["done"]:
        yield _("Wiped"), Cell(_("NO"), "bad")
        return
    moment = _moment(wiped["at"], zone, seconds=True)
    personal = _("personal data was among it")
    yield _("Wiped"), f"{moment}; {personal}" if wiped["personal_data"] else moment


def _write_shortcomings(minutes: Minutes) -> None:
    _write_heading(_("VI. Shortcomings, causes, measures"))
    if not minutes.shortcomings:
        write_line("   " + _("none"))
        return
    titles = {it["name"]: it["title"] for it in minutes.people}
    rows = shortcoming_rows(minutes.shortcomings, minutes.scenario["site"], titles)
    write_table(_heads(SHORTCOMINGS), rows)


def _heads(heads: Iterable[str]) -> list[str]:
    return [_(it) if it else "" for it in heads]


def _write_heading(text: str) -> None:
    write_line()
    write_cells([Cell(text)], bold=True)


def _write_pairs(heading: str, pairs: Iterable[Pair]) -> None:
    """Write labels and values below each other, the values in one column."""
    if heading:
        _write_heading(heading)
    rows: Sequence[Pair] = list(pairs)
    width = max((len(label) for label, _value in rows), default=0)
    room = max(shutil.get_terminal_size().columns - width - _MARGIN, _LEAST_WIDTH)
    for label, value in rows:
        cell = Cell(value) if isinstance(value, str) else value
        lines = textwrap.wrap(cell.text, room) if is_terminal() else [cell.text]
        for number, line in enumerate(lines):
            shown = "" if number else label
            write_cells([Cell(f"   {shown:{width}}  ", "faint"), Cell(line, cell.tone)])


def _moment(text: str | None, zone: str, *, seconds: bool = False) -> str:
    if not text:
        return "–"
    moment = datetime.fromisoformat(text)
    return (format_second if seconds else format_moment)(moment, zone)
