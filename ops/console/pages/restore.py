"""Find a file in a site's backups, see its versions, get it or have it put back.

Paths stand in addresses and forms percent-encoded, since names of files may hold any byte. A name
is looked for in one snapshot; in all of them at once only where these are few and small enough to
answer at once. The versions of one path are found in all of them: only its own folders are read.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from sqlalchemy import Select, func, select

from ops.backups.ransomware.suspicion import find_suspicion
from ops.backups.sources.parts import copy_path, files_path, is_folder_here
from ops.catalog.tables.index import Snapshot, is_believed, is_of_whole_site
from ops.console.acts import LONGEST_PATH, pattern_of
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page, cut
from ops.errors import WrongUseError
from ops.estate.model.sites import Site
from ops.language.text import N_

_ROWS = 100
_MOST_FOUND = 200
_MOST_ENTRIES = 300_000
_LONGEST_NAME = 200
_SNAPSHOT_DIGITS = 64


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give what the step shows that the arguments lead to.

    Args:
        desk: Where.
        arguments: `site`; then `name`, with `on` (a day) or `all`; or `folder` of a `snapshot`,
            after `from` rows; or `path`.
    """
    sites = {it.name: it.title for it in desk.sites("backup.find")}
    site = arguments.get("site", "")
    given = {name: arguments.get(name, "") for name in ("name", "on", "snapshot")}
    whole = {
        "sites": list(sites.items()),
        "site": site,
        "title": sites.get(site, site),
        "all": bool(arguments.get("all")),
        **given,
    }
    if not site:
        return {**whole, "step": "site"}
    if site not in sites:
        raise WrongUseError(
            'the estate has no site "{site}"', site=site[:80], next_step="choose one of the list"
        )
    snapshot = _choose_snapshot(desk, site, given)
    whole["chosen"], whole["may_search_all"] = snapshot, _may_search_all(desk, site)
    whole["doubt"] = _find_doubt(desk, site, snapshot)
    if path := _read_path(arguments.get("path", "")):
        return {**whole, "step": "versions", **_find_versions(desk, site, path)}
    if given["name"]:
        return {**whole, "step": "found", **_find_names(desk, site, snapshot, whole)}
    if "folder" in arguments and snapshot:
        return {**whole, "step": "folder", **_list_folder(desk, site, snapshot["id"], arguments)}
    whole["host"] = _host_of(desk.estate.site(site))
    return {**whole, "step": "search", "requests": _list_requests(desk, site)}


def _read_path(text: str) -> bytes:
    if len(text) > LONGEST_PATH:
        raise WrongUseError("this path is too long", next_step="look for a name in it")
    return unquote_to_bytes(text)


def _find_doubt(desk: Desk, site: str, chosen: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Give why the chosen backup is in doubt, and the last one before; None where it is not."""
    with desk.catalog.reading() as session:
        suspicion = find_suspicion(session, site)
        if suspicion is None or chosen is None or chosen["taken_at"] < suspicion.since:
            return None
        query = _select_whole(desk, site).where(Snapshot.taken_at < suspicion.since)
        row = session.execute(query.order_by(Snapshot.taken_at.desc()).limit(1)).mappings().first()
    told = suspicion.explain()
    return {
        "since": suspicion.since,
        "what": told.what,
        "why": told.why,
        "before": dict(row) if row else None,
    }


def _select_whole(desk: Desk, site: str) -> Select[str, datetime, int | None]:
    return select(Snapshot.id, Snapshot.taken_at, Snapshot.file_count).where(
        Snapshot.site == site, Snapshot.store == desk.estate.primary_store.name, is_of_whole_site()
    )


def _choose_snapshot(desk: Desk, site: str, given: Mapping[str, str]) -> dict[str, Any] | None:
    """Give the snapshot that is looked into: a named one, or the newest by the end of a day."""
    query = _select_whole(desk, site)
    if wanted := given["snapshot"]:
        query = query.where(Snapshot.id == wanted[:_SNAPSHOT_DIGITS])
    elif given["on"]:
        query = query.where(Snapshot.taken_at < _end_of(desk, given["on"]))
    else:
        query = query.where(is_believed())
    with desk.catalog.reading() as session:
        row = session.execute(query.order_by(Snapshot.taken_at.desc()).limit(1)).mappings().first()
    return dict(row) if row else None


def _end_of(desk: Desk, text: str) -> datetime:
    try:
        following = date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise WrongUseError(
            "this is no day: {day}",
            next_step="choose a day, or leave the field empty",
            day=text[:40],
        ) from error
    return datetime.combine(following, time(), desk.estate.zone)


def _may_search_all(desk: Desk, site: str) -> bool:
    """Say whether a name can be looked for in all snapshots while somebody waits."""
    query = select(func.coalesce(func.sum(Snapshot.file_count), 0)).where(
        Snapshot.site == site, Snapshot.store == desk.estate.primary_store.name
    )
    with desk.catalog.reading() as session:
        return (session.execute(query).scalar_one() or 0) <= _MOST_ENTRIES


def _find_names(
    desk: Desk, site: str, snapshot: Mapping[str, Any] | None, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Give the paths that fit a name, each once with its newest version."""
    name = asked["name"].strip()[:_LONGEST_NAME].replace("/", "?")
    pattern = name if set(name) & set("*?[") else f"*{name}*"
    in_all = asked["all"] and asked["may_search_all"]
    if snapshot is None and not in_all:
        return {"items": [], "is_whole": True, "in_all": False}
    where = {} if in_all or snapshot is None else {"snapshot": snapshot["id"]}
    found = desk.look("backup.find", site=site, name=pattern, **where)
    newest = {it["quoted"]: it for it in found["items"]}
    items = list(newest.values())
    is_whole = found["is_whole"] and len(items) <= _MOST_FOUND
    return {"items": items[:_MOST_FOUND], "is_whole": is_whole, "in_all": in_all}


def _find_versions(desk: Desk, site: str, path: bytes) -> dict[str, Any]:
    """Give the versions of one path, the newest first."""
    pattern = pattern_of(path if path.startswith(b"/") else b"/" + path)
    found = desk.look("backup.find", site=site, name=pattern)
    quoted = quote(path)
    items = [it for it in found["items"] if it["quoted"] == quoted]
    items.sort(key=lambda it: it["saved_to"], reverse=True)
    shown = path.decode("utf-8", "backslashreplace")
    return {
        "items": items[:_MOST_FOUND],
        "path": shown,
        "quoted": quoted,
        "parent": quote(path.rpartition(b"/")[0]),
        "host": _host_of(desk.estate.site(site), shown),
    }


def _host_of(site: Site, path: str = "") -> str:
    """Give the host or server from which a path comes, or anything of the site; empty for none.

    What comes from there the service may read and not write.
    """
    parts = [(files_path(it), it.host or it.name) for it in site.files if not is_folder_here(it)]
    parts += [(copy_path(it), it.host or it.name) for it in site.databases if it.engine != "sqlite"]
    return next(
        (host for at, host in parts if f"{path}/".startswith(f"/{site.name}/{at}/") or not path), ""
    )


def _list_folder(desk: Desk, site: str, snapshot: str, arguments: Arguments) -> dict[str, Any]:
    """Give a page of what a folder of a snapshot holds."""
    folder = _read_path(arguments.get("folder", "")) or b"/" + site.encode()
    found = desk.look(
        "backup.files",
        site=site,
        snapshot=snapshot,
        folder=folder.decode("utf-8", "surrogateescape"),
    )
    page = cut(found["items"], arguments, _ROWS)
    parts = folder.strip(b"/").split(b"/")
    crumbs = [
        {
            "name": part.decode("utf-8", "backslashreplace"),
            "quoted": quote(b"/" + b"/".join(parts[: number + 1])),
        }
        for number, part in enumerate(parts)
    ]
    shown = [{**it, "name": it["path"].rpartition("/")[2]} for it in page["items"]]
    return {**page, "items": shown, "crumbs": crumbs, "quoted": quote(folder)}


def _list_requests(desk: Desk, site: str) -> list[dict[str, Any]]:
    """Give requests to put the site back that wait, or are approved and not carried out."""
    if not desk.may("approval.list"):
        return []
    items: list[dict[str, Any]] = desk.look("approval.list")["items"]
    return [it for it in items if it["action"] == "restore-in-place" and it["subject"] == site]


PAGE = Page(
    name="restore",
    title=N_("Restore"),
    task="backup.find",
    read=read,
    reads=("site", "name", "on", "all", "snapshot", "folder", "from", "path"),
    acts=("backup.restore", "backup.restore.in-place"),
    group="copies",
    is_by_site=True,
)
