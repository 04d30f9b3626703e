"""Propose blocks for the estate from what a machine serves; nothing is written unless asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.durable_files import place_file
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.load.read import find_estate_path
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.hosts.connect import open_host
from ops.language.text import N_, _, fill, ngettext
from ops.sites.discovery.databases import find_unnamed, list_databases
from ops.sites.discovery.find import MachineLook, look_around
from ops.sites.discovery.machine_files import Below, DatabaseSettings, Files, FilesOnHost
from ops.sites.discovery.propose import ProposedSite, SiteSetting, clean, propose
from ops.sites.tasks import Discover
from ops.terminal.output import write_json, write_line, write_text
from provisioning.hosts import Host
from provisioning.local_host import LocalHost

_REASONS = {
    "unreadable": N_("it may not be read by this user"),
    "too_large": N_("it is larger than 1 MiB"),
    "no_root": N_("it serves no folder of its own"),
    "missing": N_("there is no such folder"),
    "unlisted": N_("the server does not list its databases to this user, or does not run"),
}
_THIS_MACHINE = frozenset({"", "localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class _Machine:
    """The machine to look at.

    Attributes:
        files: Its files.
        host: The machine as it runs; None where only its files are there.
        name: Of the host in the estate; empty for this machine.
        address: Of that host.
    """

    files: Files
    host: Host | None
    name: str = ""
    address: str = ""


def discover(wish: Discover) -> int:
    """Look around and write what could go into the estate; gives the exit code.

    Raises:
        WrongUseError: There is no such root or host.
        HostClosedError, ProvisioningError: The host does not let us look, or does not answer.
        OpsError: The file to write is there already, or cannot be written.
    """
    estate = _estate_if_any()
    machine = _find_machine(estate, wish.host, wish.root)
    looked = look_around(machine.files)
    stored = list_databases(machine.files, machine.host)
    named = [database for site in looked.sites for database in site.databases]
    sites, units = (estate.sites, estate.units) if estate else ((), ())
    proposals = propose(
        looked.sites,
        find_unnamed(stored, [*named, *_databases_in(sites, machine.name)], machine.address),
        taken=[site.name for site in sites],
        known_paths=_paths_in(sites, machine.name),
        place=SiteSetting(unit=units[0].name if len(units) == 1 else "", host=machine.name),
    )
    if wish.out:
        _write(Path(wish.out), proposals)
    _tell(looked, proposals, out=wish.out, as_json=wish.json)
    return 0


def _find_machine(estate: Estate | None, host: str, root: str) -> _Machine:
    is_named = estate is not None and any(it.name == host for it in estate.hosts)
    if host in _THIS_MACHINE and not is_named:
        if not Path(root).is_dir():
            raise WrongUseError(
                'there is no folder "{root}"',
                data="nothing was read or changed",
                next_step="name the folder in which the machine's `etc` lies",
                root=root,
            )
        is_running = Path(root).resolve() == Path("/")
        return _Machine(Below(Path(root), []), LocalHost() if is_running else None)
    if root != "/":
        raise WrongUseError(
            "--root and --host do not go together",
            why="--root is a folder of this machine",
            data="nothing was read or changed",
            next_step="leave one of them out",
        )
    known = estate or load_estate()  # which says what is wrong with it
    opened = open_host(known, host)
    return _Machine(FilesOnHost(opened, []), opened, host, known.host(host).address)


def _paths_in(sites: Sequence[Site], host: str) -> list[str]:
    """Give the folders of a machine that sites save already."""
    return [part.path for site in sites for part in site.files if (part.host or "") == host]


def _databases_in(sites: Sequence[Site], host: str) -> list[DatabaseSettings]:
    """Give the databases of a machine that sites save already."""
    return [
        DatabaseSettings("", part.engine, part.database, address=part.address)
        for site in sites
        for part in site.databases
        if (part.host or "") == host
    ]


def _estate_if_any() -> Estate | None:
    """Load the estate, so that what it has is not proposed again; without one, all is new."""
    try:
        path = find_estate_path()
    except WrongUseError:
        return None
    return load_estate(path)


def _write(out: Path, proposals: list[ProposedSite]) -> None:
    text = "\n".join(it.toml for it in proposals)
    try:
        place_file(out, text.encode(), mode=0o644, replace=False)
    except OSError as error:
        raise OpsError(
            "the blocks cannot be written to {path}",
            why="{reason}",
            data="nothing was written",
            next_step="choose another file with --out, or leave it out to see the blocks",
            path=out,
            reason=error.strerror or type(error).__name__,
        ) from error


def _tell(looked: MachineLook, proposals: list[ProposedSite], *, out: str, as_json: bool) -> None:
    if as_json:
        write_json(proposals, notes=looked.notes)
        return
    if not out:
        write_text("\n".join(it.toml for it in proposals))
        if proposals:
            write_line()
    for note in looked.notes:
        told = _("not looked at: {path}: {reason}")
        write_line("# " + told.format(path=clean(note.path), reason=_(_REASONS[note.reason])))
    count = len(proposals)
    known = len(looked.sites) - sum(bool(it.path) for it in proposals)
    text = ngettext("{count} new site found", "{count} new sites found", count)
    write_line("# " + text.format(count=count))
    if known:
        write_line("# " + _("in the estate already: {count}").format(count=known))
    if out:
        write_line("# " + _("written to {path}").format(path=out))
        next_step = N_(
            "next: complete it, then `{program} estate.propose --file {path} --out"
            " sites.d/NAME.toml`"
        )
        write_line("# " + fill(next_step, {"path": out}))
