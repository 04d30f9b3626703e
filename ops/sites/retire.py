"""Retire a site: say what is kept, ask, record, print the minutes.

Order:

1. Ask each store what it holds of the site; bring the index tables up to date.
2. Plan; stop here with `--dry-run`. Ask for a confirmation.
3. Record the retirement and journal it, in one transaction.
4. Print the minutes and the lines that may now leave the estate.

Nothing in a store changes. Cut off before 3, nothing has happened; after it, the minutes are in
the catalog.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select

from backup.errors import BackupError
from ops.access.session import Bench, at_bench
from ops.backups.repositories.catalog_index import update_index
from ops.backups.repositories.open import open_repository
from ops.backups.retention.holds import read_holds
from ops.catalog.tables.index import Snapshot
from ops.catalog.tables.sites import RetiredSite
from ops.errors import OpsError, WrongUseError
from ops.estate.choose import refuse_built_in
from ops.estate.edit.import_sites import find_block
from ops.estate.known_sites import SiteHistory, find_repositories, is_retired, read_history
from ops.estate.load.load import load_estate
from ops.estate.load.read import read_document
from ops.estate.model.estate import Estate
from ops.estate.model.policies import Retention
from ops.estate.model.stores import Store
from ops.estate.versions import read_version
from ops.jobs.site_lock import hold_site_lock
from ops.journal import journal
from ops.language.formats import format_moment
from ops.language.text import _, fill
from ops.sites.propose import is_roots, propose
from ops.sites.show import format_retention
from ops.sites.tasks import Retire
from ops.terminal.output import write_line, write_text
from ops.terminal.progress import need_confirmation

_RULE = "-" * 72


def find_site(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give a site's table in an estate's document; empty when there is none."""
    return next((site for site in document.get("sites", ()) if site.get("name") == name), {})


def title_of(document: Mapping[str, Any], section: str, name: str, day: date) -> str:
    """Give the title of a unit or person that is valid on a day; the name where none is known."""
    entry: Mapping[str, Any] = next(
        (it for it in document.get(section, ()) if it.get("name") == name), {}
    )
    dated = [row for row in entry.get("names") or () if row["from"] <= day.isoformat()]
    newest: Mapping[str, Any] = max(dated, key=lambda row: row["from"], default={})
    return str(newest.get("name") or entry.get("title") or name)


def newest_of_each(rows: Sequence[tuple[str, datetime, Sequence[str]]]) -> list[str]:
    """Give the id of the newest snapshot for each set of paths, the newest first.

    Args:
        rows: Id, moment and paths of each snapshot.
    """
    found: dict[tuple[str, ...], str] = {}
    for snapshot_id, _at, paths in sorted(rows, key=lambda row: row[1], reverse=True):
        found.setdefault(tuple(paths), snapshot_id)
    return list(found.values())


def write_minutes(
    retired: RetiredSite,
    titles: Mapping[str, str],
    holds: Sequence[tuple[str, str]],
    *,
    organisation: str,
    zone: str,
) -> str:
    """Give the minutes as plain text, for the file and for signing.

    Args:
        retired: The record, but for its minutes.
        titles: What people call the `unit`, the `owner` and who records it (`by`) on that day.
        holds: Reference and snapshot (empty: all) of each hold that is in force.
        organisation: Its name on that day.
        zone: Its time zone.
    """
    labelled = (
        (_("Site"), f"{retired.title} ({retired.name})"),
        (_("Unit"), titles["unit"] or "–"),
        (_("Answerable"), titles["owner"] or "–"),
        (_("Retired at"), format_moment(retired.retired_at, zone)),
        (_("Recorded by"), titles["by"]),
        (_("Reason"), retired.reason),
        (_("On the ground of"), retired.document),
        (_("Kept by the rules"), _format_rules(retired.retention)),
        (_("Estate version"), retired.estate or "–"),
    )
    lines = [organisation, "", _("MINUTES: A SITE IS TAKEN OUT OF BACKUP"), _RULE]
    lines += [f"{label}: {value}" for label, value in labelled]
    lines += ["", _("The backups below stay as they are; nothing removes them by itself.")]
    lines += tell_holds(holds)
    for kept in retired.stores:
        lines += ["", *_store_lines(kept, zone)]
    lines += ["", _RULE, _("Answerable for the site"), "", "", _("Recorded by"), ""]
    return "\n".join(lines)


def tell_holds(holds: Sequence[tuple[str, str]]) -> list[str]:
    """Say what is held and for which document; empty without holds."""
    text = _("Held for {reference} until two people release it: {what}")
    everything = _("all snapshots")
    return [text.format(reference=ref, what=snapshot or everything) for ref, snapshot in holds]


def _store_lines(kept: Mapping[str, Any], zone: str) -> list[str]:
    lines = [
        f"{_('Store')}: {kept['store']}",
        "  " + _("address: {address}").format(address=kept["address"]),
        "  " + _("snapshots: {count}").format(count=kept["snapshots"]),
    ]
    if kept["last_at"]:
        moment = format_moment(datetime.fromisoformat(kept["last_at"]), zone)
        lines.append("  " + _("the newest: {moment}").format(moment=moment))
    lines += [f"    {snapshot_id}" for snapshot_id in kept["last"]]
    if kept["outcome"] != "ok":
        lines.append("  " + _("not checked now: {why}").format(why=kept["why"]))
    return lines


def _format_rules(retention: Mapping[str, Any]) -> str:
    if not retention:
        return "–"
    rules = Retention.model_validate(dict(retention))
    told = format_retention(rules)
    if not rules.minimum_days:
        return told
    least = _("at least {count} days").format(count=rules.minimum_days)
    return f"{told}; {least}" + (f" ({rules.minimum_basis})" if rules.minimum_basis else "")


def retire_site(wish: Retire) -> int:
    """Retire a site, which may have vanished from the estate already; gives the exit code.

    Raises:
        WrongUseError: There is no such site, no reason was given, or it was never retired and its
            minutes are asked for.
    """
    name = wish.site
    if wish.show:
        return _show_minutes(name)
    refuse_built_in(name)
    if not wish.reason.strip() or not wish.document.strip():
        raise WrongUseError(
            "a site is retired for a reason and on the ground of a document",
            next_step="give both: `--reason TEXT --document NUMBER`",
        )
    estate = load_estate()
    with (
        at_bench(estate, dry_run=wish.dry_run) as bench,
        hold_site_lock(estate.service.state, name, holder="retire"),
    ):
        retired = _plan(bench, name, reason=wish.reason.strip(), document=wish.document.strip())
        if wish.dry_run:
            write_text(retired.minutes)
            write_line(_("would be recorded so; nothing was changed"))
            return 0
        question = _("{title} is no longer backed up; its backups stay.").format(
            title=retired.title
        )
        need_confirmation(name, wish.confirm, question)
        _record(bench, retired)
    write_text(retired.minutes)
    return _take_lines(estate, name)


def _plan(bench: Bench, name: str, *, reason: str, document: str) -> RetiredSite:
    """Make the record, with its minutes; nothing is written yet but the index tables."""
    estate = bench.estate
    with bench.catalog.reading() as session:
        history = read_history(session)
        version = history.named[name][1] if name in history.named else ""
        document_then: Mapping[str, Any] = estate.document()
        if not find_site(document_then, name):
            document_then = read_version(session, version)
    _refuse_strangers(estate, name, history)
    site = find_site(document_then, name)
    unit, owner = site.get("unit") or "", site.get("owner") or ""
    by = bench.origin.person or bench.origin.login
    at = datetime.now(UTC)
    today = at.astimezone(estate.zone).date()
    titles = {
        "unit": title_of(document_then, "units", unit, today),
        "owner": title_of(document_then, "people", owner, today),
        "by": title_of(estate.document(), "people", by, today),
    }
    retired = RetiredSite(
        name=name,
        title=title_of(document_then, "sites", name, today),
        unit=unit,
        owner=owner,
        retired_at=at,
        retired_by=by,
        reason=reason,
        document=document,
        estate=version,
        retention=dict(site.get("retention") or {}),
        stores=[_look_into(bench, store, name) for store in estate.stores],
    )
    names = {"organisation": estate.name_at(at), "zone": estate.organisation.timezone}
    retired.minutes = write_minutes(retired, titles, _holds_of(bench, name), **names)
    return retired


def _holds_of(bench: Bench, name: str) -> list[tuple[str, str]]:
    with bench.catalog.reading() as session:
        return [(it.reference, it.snapshot) for it in read_holds(session, name)]


def _show_minutes(name: str) -> int:
    """Write the minutes of a site's last retirement again, and what is held now; gives 0."""
    with at_bench(load_estate(), dry_run=True) as bench:
        query = select(RetiredSite.minutes).where(RetiredSite.name == name)
        with bench.catalog.reading() as session:
            minutes = session.execute(query.order_by(RetiredSite.retired_at.desc())).scalar()
        if minutes is None:
            raise WrongUseError(
                'the site "{site}" was never retired, so there are no minutes',
                next_step="`{program} estate.show` lists the sites",
                site=name,
            )
        write_text(minutes)
        for line in tell_holds(_holds_of(bench, name)):
            write_line(line)
    return 0


def _refuse_strangers(estate: Estate, name: str, history: SiteHistory) -> None:
    in_force = any(site.name == name for site in estate.sites)
    if not in_force and is_retired(name, history):
        raise WrongUseError(
            'the site "{site}" was retired on {at}',
            next_step="read its minutes: `{program} estate.retire --site {site} --show`",
            site=name,
            at=history.retired_at[name],
        )
    if not (in_force or name in {*history.named, *history.stores, *find_repositories(estate)}):
        estate.site(name)


def _look_into(bench: Bench, store: Store, name: str) -> dict[str, Any]:
    """Ask a store; one that cannot be asked is told as the catalog saw it last."""
    why = ""
    try:
        repository = open_repository(bench.estate, name, store)
        update_index(bench.catalog, repository, site=name, store=store.name)
    except (BackupError, OpsError) as error:
        why = fill(error.what, error.params)
    query = select(Snapshot.id, Snapshot.taken_at, Snapshot.paths).where(
        Snapshot.site == name, Snapshot.store == store.name
    )
    with bench.catalog.reading() as session:
        rows = [(row.id, row.taken_at, row.paths) for row in session.execute(query)]
    newest = max((row[1] for row in rows), default=None)
    return {
        "store": store.name,
        "address": f"{store.url.rstrip('/')}/{name}",
        "outcome": "not_checked" if why else "ok",
        "snapshots": len(rows),
        "last": newest_of_each(rows),
        "last_at": newest.isoformat() if newest else "",
        "why": why,
    }


def _record(bench: Bench, retired: RetiredSite) -> None:
    origin = replace(bench.origin, reason=retired.reason, document=retired.document)
    details = {"stores": retired.stores, "owner": retired.owner}
    with bench.catalog.writing() as session:
        session.add(retired)
        journal.append(session, origin, [journal.Entry("site.retired", retired.name, details)])


def _take_lines(estate: Estate, name: str) -> int:
    """Say which lines may leave the estate, where it has them; propose it where that is root's."""
    document = read_document(estate.path)
    names = [site.get("name") for site in document.data.get("sites", ())]
    if name not in names:
        return 0
    file = document.file_of(("sites", names.index(name)))
    content = file.read_bytes()
    found = find_block(content.decode(), name)
    write_line()
    if found is None:
        write_line(_("now remove the site's block from {file}").format(file=file))
        return 0
    if is_roots(file):
        lines = content.decode().splitlines(keepends=True)
        left = "".join((*lines[: found[0] - 1], *lines[found[1] :])).encode()
        return propose(estate, file, content, left, task="estate.retire").tell()
    text = _("now remove lines {first} to {last} from {file}: the block of this site")
    write_line(text.format(first=found[0], last=found[1], file=file))
    return 0
