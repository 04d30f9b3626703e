"""The sign of life: a small file that others fetch, and a URL that alarms when it is not called.

The file `heartbeat.json` lies in the service's state folder, readable by everybody: it holds names
of sites and moments, no secrets. `examples/dead-man` reads it on another machine, so its keys keep
their meaning.

Order of a write: write the new file beside the old one, make it durable, put it in its place.
Whoever reads sees one whole file or the other.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from ops.alerts.drafts import grace_of
from ops.estate.model.estate import Estate
from ops.journal.journal import Head, read_head
from ops.language.causes import tell_cause
from ops.language.formats import format_duration
from ops.language.text import _
from ops.status.late_sites import first_dues, newest_moments

FORMAT = "giucong-heartbeat-1"
FILE = "heartbeat.json"


@dataclass(frozen=True, slots=True)
class SiteBeat:
    """How a site's newest backup stands.

    Attributes:
        newest: When it was taken; None when there is none.
        due_since: When the site was first due; None when it never was.
        rpo: How old its newest backup may be.
    """

    newest: datetime | None
    due_since: datetime | None
    rpo: timedelta


@dataclass(frozen=True, slots=True)
class Call:
    """How the last call of the heartbeat URL ended.

    Attributes:
        at: When.
        error: Empty when it was answered; never holds the URL.
    """

    at: datetime
    error: str = ""


def gather_beats(session: Session, estate: Estate) -> dict[str, SiteBeat]:
    """Give how each site stands, by name, in the order of the estate; the service itself last."""
    sites, newest = (*estate.sites, estate.own_site), newest_moments(session, estate)
    due = first_dues(session, (it.name for it in sites if it.name not in newest))
    return {
        site.name: SiteBeat(
            newest=newest.get(site.name),
            due_since=due.get(site.name),
            rpo=timedelta(hours=site.targets.rpo_hours),
        )
        for site in sites
    }


def read_journal_head(session: Session) -> Head:
    """Give the journal's newest number and hash."""
    return read_head(session.connection())


def describe_heartbeat(
    now: datetime, sites: Mapping[str, SiteBeat], head: Head, call: Call | None
) -> dict[str, Any]:
    """Give the file's content as JSON values; moments in UTC, durations in seconds."""
    return {
        "format": FORMAT,
        "at": _moment(now),
        "sites": {
            name: {
                "newest": _moment(site.newest),
                "due_since": _moment(site.due_since),
                "rpo_seconds": int(site.rpo.total_seconds()),
                "grace_seconds": int(grace_of(site.rpo).total_seconds()),
            }
            for name, site in sites.items()
        },
        "journal": {"sequence": head.sequence, "hash": head.hash},
        "call": {"at": _moment(call.at), "error": call.error} if call else None,
    }


def write_heartbeat(state: Path, document: Mapping[str, Any]) -> None:
    """Put the file in its place, whole."""
    fresh = state / f".{FILE}.new"
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=1)
        file.write("\n")
        file.flush()
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())
    fresh.replace(state / FILE)


def read_heartbeat(state: Path) -> dict[str, Any] | None:
    """Give what the file says; None where there is none that can be read."""
    try:
        document = json.loads((state / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(document, dict) and document.get("format") == FORMAT
    return document if is_ours else None


def tell_heartbeat(document: Mapping[str, Any] | None, now: datetime) -> Iterator[str]:
    """Say when the service last showed that it lives, and whether the URL answered."""
    if document is None:
        yield _("it has shown no sign of life yet")
        return
    age = format_duration(now - datetime.fromisoformat(document["at"]))
    yield _("last sign of life: {age} ago").format(age=age)
    call = document.get("call")
    if call is None:
        return
    age = format_duration(now - datetime.fromisoformat(call["at"]))
    if call["error"]:
        text = _("the heartbeat URL did not answer {age} ago: {error}")
        yield text.format(age=age, error=tell_cause(str(call["error"])))
    else:
        yield _("the heartbeat URL answered {age} ago").format(age=age)


def _moment(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None
