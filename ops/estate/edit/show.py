"""Show the estate as the service understands it: defaults merged in, secrets as references."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ops.estate.load.changeable import read_whole
from ops.estate.load.problems import render_key
from ops.estate.model.estate import Estate
from ops.estate.model.policies import Retention
from ops.estate.model.sites import Site
from ops.language.text import _, ngettext


@dataclass(frozen=True, slots=True)
class Overview:
    """One table of the overview.

    Attributes:
        title: What the table lists, in the reader's language.
        columns: Its heads.
        rows: As many texts a row as there are heads.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def describe_estate(estate: Estate) -> dict[str, Any]:
    """Give the estate for `--json`: its document, its files and its fingerprint."""
    document = read_whole(estate.path)
    return {
        "path": str(estate.path),
        "changeable": str(document.changeable or ""),
        "from_changeable": [
            render_key(at, document.data)
            for at, file in document.files.items()
            if file == document.changeable
        ],
        "fingerprint": estate.fingerprint(),
        "estate": estate.document(),
    }


def overview(estate: Estate) -> list[Overview]:
    """Give the tables an operator sees: sites, stores, and hosts where there are any."""
    tables = [_sites(estate), _stores(estate)]
    if estate.hosts:
        tables.append(_hosts(estate))
    return tables


def _sites(estate: Estate) -> Overview:
    return Overview(
        _("Sites"),
        (_("Name"), _("Title"), _("Unit"), _("Parts"), _("Backup"), _("Kept")),
        [
            (
                site.name,
                estate.title_at(site.name),
                site.unit,
                _parts(site),
                site.schedule.backup or "–",
                format_retention(site.retention),
            )
            for site in estate.sites
        ],
    )


def _parts(site: Site) -> str:
    folders = len(site.files)
    databases = len(site.databases)
    texts = (
        ngettext("{count} folder", "{count} folders", folders).format(count=folders),
        ngettext("{count} database", "{count} databases", databases).format(count=databases),
    )
    return ", ".join(text for text, count in zip(texts, (folders, databases), strict=True) if count)


def format_retention(retention: Retention) -> str:
    """Give the keep rules in short, the longest-lived last: `3 bản mới nhất, 14 ngày, 24 tháng`."""
    return ", ".join(_rules(retention))


def _rules(retention: Retention) -> Iterator[str]:
    texts = (
        (retention.keep_last, _("{count} newest")),
        (retention.keep_daily, ngettext("{count} day", "{count} days", retention.keep_daily)),
        (retention.keep_weekly, ngettext("{count} week", "{count} weeks", retention.keep_weekly)),
        (
            retention.keep_monthly,
            ngettext("{count} month", "{count} months", retention.keep_monthly),
        ),
        (retention.keep_yearly, ngettext("{count} year", "{count} years", retention.keep_yearly)),
    )
    yield from (text.format(count=count) for count, text in texts if count)


def _stores(estate: Estate) -> Overview:
    roles = {"primary": _("primary"), "mirror": _("mirror of {of}"), "copy": _("copy of {of}")}
    return Overview(
        _("Stores"),
        (_("Name"), _("Role"), _("Place"), _("Location"), _("Medium")),
        [
            (
                store.name,
                roles[store.role].format(of=store.of),
                store.url,
                store.location,
                store.medium,
            )
            for store in estate.stores
        ],
    )


def _hosts(estate: Estate) -> Overview:
    return Overview(
        _("Hosts"),
        (_("Name"), _("Address"), _("Account")),
        [(host.name, f"{host.address}:{host.port}", host.user) for host in estate.hosts],
    )
