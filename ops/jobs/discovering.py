"""Propose blocks for the estate from what this machine serves; nothing is written unless asked."""

from dataclasses import asdict
from pathlib import Path

from ops.errors import OpsError, WrongUseError
from ops.estate.discovery.looking import Looked, look_around
from ops.estate.discovery.proposing import Proposal, clean, propose
from ops.estate.load import load_estate
from ops.estate.models import Estate
from ops.estate.placing import place_file
from ops.estate.read import find_estate_path
from ops.present import write_json, write_line, write_text
from ops.text import N_, _, ngettext

_REASONS = {
    "unreadable": N_("it may not be read by this user"),
    "too_large": N_("it is larger than 1 MiB"),
    "no_root": N_("it serves no folder of its own"),
    "missing": N_("there is no such folder"),
}


class DiscoveryLaterError(OpsError):
    """Another host cannot be looked at yet."""


def discover(*, host: str, root: str, out: str, as_json: bool) -> int:
    """Look around and write what could go into the estate; gives the exit code.

    Raises:
        DiscoveryLaterError: Another host was named.
        WrongUseError: There is no such root.
        OpsError: The file to write is there already, or cannot be written.
    """
    if host:
        raise DiscoveryLaterError(
            'the host "{host}" cannot be looked at from here yet',
            why="discovery over SSH comes with a later version; this one looks at this machine",
            data="nothing was read or changed",
            next_step="install Giữ Cổng there for a moment and run `{program} estate.discover` on"
            " it, or mount its disk and add `--root DIR`",
            host=host,
        )
    if not Path(root).is_dir():
        raise WrongUseError(
            'there is no folder "{root}"',
            data="nothing was read or changed",
            next_step="name the folder in which the machine's `etc` lies",
            root=root,
        )
    estate = _estate_if_any()
    looked = look_around(Path(root))
    proposals = propose(
        looked.sites,
        taken=[site.name for site in estate.sites] if estate else (),
        known_paths=[part.path for site in estate.sites for part in site.files] if estate else (),
        unit=estate.units[0].name if estate and len(estate.units) == 1 else "",
    )
    if out:
        _write(Path(out), proposals)
    _tell(looked, proposals, out=out, as_json=as_json)
    return 0


def _estate_if_any() -> Estate | None:
    """Load the estate, so that what it has is not proposed again; without one, all is new."""
    try:
        path = find_estate_path()
    except WrongUseError:
        return None
    return load_estate(path)


def _write(out: Path, proposals: list[Proposal]) -> None:
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


def _tell(looked: Looked, proposals: list[Proposal], *, out: str, as_json: bool) -> None:
    if as_json:
        write_json({"proposals": [asdict(it) for it in proposals], "notes": looked.notes})
        return
    if not out:
        write_text("\n".join(it.toml for it in proposals))
        if proposals:
            write_line()
    for note in looked.notes:
        told = _("not looked at: {path}: {reason}")
        write_line("# " + told.format(path=clean(note.path), reason=_(_REASONS[note.reason])))
    count = len(proposals)
    known = len(looked.sites) - count
    text = ngettext("{count} new site found", "{count} new sites found", count)
    write_line("# " + text.format(count=count))
    if known:
        write_line("# " + _("in the estate already: {count}").format(count=known))
    if out:
        write_line("# " + _("written to {path}").format(path=out))
