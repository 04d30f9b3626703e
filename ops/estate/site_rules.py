"""Rules about sites that a form cannot tell, and what this version cannot do yet.

They are findings for people. The rules keep nothing from running; of what is not available an error
stops a site's backup (`list_not_available`).

Which kinds there are, and which parts of a site count for each, stands in `required_kinds.toml`
with its basis.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import msgspec

from backup.errors import UsageError
from backup.stores import open_store
from ops.errors import Problem, SecretError, make_warning
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.estate.model.sites import DatabasePart, FilesPart, Site
from ops.estate.model.stores import Store
from ops.language.text import N_, language
from ops.toml import read_toml

_FILE = Path(__file__).with_name("required_kinds.toml")


@dataclass(frozen=True, slots=True)
class RequiredKind:
    """A kind of data that every site has, or has an exception for.

    Attributes:
        name: Its name, which an exception's `lacks` may use.
        title: What people call it, by language.
        lacks: Every word that an exception may use.
        parts: Where the estate holds it: `section`, and keys that a part there has to have.
    """

    name: str
    title: Mapping[str, str]
    lacks: tuple[str, ...]
    parts: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The required kinds and the rule that asks for them."""

    basis: str
    kinds: tuple[RequiredKind, ...]


@cache
def shipped_rules() -> Rules:
    """Read the rules that ship with the service."""
    return msgspec.convert(read_toml(_FILE), Rules)


@cache
def lacking_words() -> frozenset[str]:
    """Give every word that an exception's `lacks` may use, folded."""
    words = (word for kind in shipped_rules().kinds for word in (kind.name, *kind.lacks))
    return frozenset({*map(_fold, words), "owner", "classes"})


def check_required(estate: Estate, today: date, rules: Rules | None = None) -> list[Problem]:
    """List what sites lack without a written exception that still holds, as warnings.

    Args:
        estate: A loaded estate.
        today: The organisation's date; an exception holds up to and on its last day.
        rules: What is required; the shipped rules unless given.
    """
    rules = rules or shipped_rules()
    found: list[Problem] = []
    for site in estate.named_sites:
        excused = {_fold(lack.lacks) for lack in site.exceptions if lack.until >= today}
        found += _check_kinds(site, excused, rules)
        found += _check_people(site, excused)
    return found


def _check_kinds(site: Site, excused: set[str], rules: Rules) -> Iterator[Problem]:
    for kind in rules.kinds:
        if has_kind(site, kind.parts) or excused & {_fold(word) for word in kind.lacks}:
            continue
        yield make_warning(
            f"sites[{site.name}]",
            "required and missing: {kind} ({basis})",
            'add it, or `[[sites.exceptions]]` with `lacks = "{name}"`, `reason` and `until`',
            kind=kind.title[language()],
            basis=rules.basis,
            name=kind.name,
        )


def has_kind(site: Site, parts: Sequence[Mapping[str, str]]) -> bool:
    """Tell whether a site has a part of one of these forms."""
    return any(
        all(getattr(part, key) == value for key, value in wanted.items() if key != "section")
        for wanted in parts
        for part in getattr(site, wanted["section"])
    )


def _check_people(site: Site, excused: set[str]) -> Iterator[Problem]:
    if site.owner is None and "owner" not in excused:
        yield make_warning(
            f"sites[{site.name}].owner",
            "nobody answers for this site",
            "add `owner` with the name of a person below `[[people]]`",
        )
    if not site.classes and "classes" not in excused:
        yield make_warning(
            f"sites[{site.name}].classes",
            "the site has no class of content, so nobody knows how long to keep it",
            "add `classes` with names below `[[classes]]`",
        )


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()


def check_bare_hosts(estate: Estate) -> Iterator[Problem]:
    """Yield the parts that only a host with a shell could give.

    Of what devices without a shell hold only what a command prints, or SFTP, can be saved.
    """
    bare = {host.name for host in estate.hosts if not host.shell}
    for site in estate.named_sites:
        parts: list[FilesPart | DatabasePart] = [*site.files, *site.databases]
        for part in parts:
            is_database = isinstance(part, DatabasePart)
            fits = isinstance(part, FilesPart) and part.source in {"command", "sftp"}
            if part.host not in bare or fits:
                continue
            room = "databases" if is_database else "files"
            yield Problem(
                f"sites[{site.name}].{room}[{part.name}].host",
                'the host "{host}" has no shell, by which this part could be read',
                "take `command` or `sftp` as its `source`; or remove `shell = false` if it has a"
                " POSIX shell",
                {"host": part.host},
            )


def check_database_ways(estate: Estate) -> Iterator[Problem]:
    """Yield the databases whose way may be another one than it looks like; pure."""
    for site in estate.named_sites:
        for part in site.databases:
            key = f"sites[{site.name}].databases[{part.name}]"
            if site.host and part.host is None and (part.socket or part.port) and not part.address:
                yield make_warning(
                    key,
                    "this database is read on this machine: the site's host {host} is not passed on"
                    " to one with a socket or port of its own",
                    'if its server is there, add `host = "{host}"`; if it is here, leave it so',
                    host=site.host,
                )
            if part.engine == "mariadb" and part.socket and part.port:
                yield make_warning(
                    f"{key}.port",
                    "both `socket` and `port` are set: backups go by the socket, and drills serve"
                    " the restored site at this port",
                    "leave both if the site itself uses that port; else remove it",
                )


_REASONS = {
    "minimum_basis": N_(
        "the site holds personal data and does not say for itself why backups are kept so long"
    ),
    "maximum_basis": N_(
        "the site holds personal data and does not say for itself why none is kept longer"
    ),
}


def check_personal_data(estate: Estate) -> Iterator[Problem]:
    """Name the sites with personal data that do not say why they keep it so long, no longer; pure.

    What `[defaults]` says for all sites is no reasoning about this one.
    """
    personal = {it.name for it in estate.classes if it.personal_data}
    usual = estate.defaults.retention
    for site in estate.named_sites:
        if not personal & set(site.classes):
            continue
        for key, what in _REASONS.items():
            told = getattr(site.retention, key)
            if not told or told == getattr(usual, key):
                place = f"sites[{site.name}].retention.{key}"
                fix = N_("write `{key}` in the site's own `[sites.retention]`")
                yield make_warning(place, what, fix, key=key)


def list_not_available(estate: Estate) -> list[Problem]:
    """List all of it; an error is what stops a site's backup, a warning what does not.

    A kind that becomes possible is taken out here, and both the check and the backup believe it.
    """
    return [
        *(problem for store in estate.stores for problem in _about_store(store)),
        *(problem for site in estate.sites for problem in _about_site(site)),
    ]


def is_not_yet(part: DatabasePart) -> bool:
    """Tell whether this version cannot read a part: an SQLite file of another host."""
    return part.engine == "sqlite" and part.host is not None


def _about_site(site: Site) -> Iterator[Problem]:
    for part in filter(is_not_yet, site.databases):
        yield Problem(
            f"sites[{site.name}].databases[{part.name}].host",
            'not in this version yet: "{value}"; the backup of the site "{site}" is refused',
            "move the part to a site of its own until then, or install a newer version",
            {"value": part.host, "site": site.name},
        )


def _about_store(store: Store) -> Iterator[Problem]:
    if _is_available(store):
        return
    place = f"stores[{store.name}].url"
    fix = N_("name a folder of this machine, or a mounted one")
    if store.role == "primary":
        what = N_("not in this version yet: stores of this kind; every backup is refused")
        yield Problem(place, what, fix)
    else:
        what = N_("not in this version yet: stores of this kind; nothing is copied to this one")
        yield make_warning(place, what, fix)


def _is_available(store: Store) -> bool:
    """Ask the engine, which touches nothing for that; an unknown secret is told elsewhere."""
    try:
        open_store(reveal(store.url))
    except UsageError:
        return False
    except SecretError:
        return True
    return True
