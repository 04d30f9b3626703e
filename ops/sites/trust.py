"""Record the key of a host after somebody has compared its fingerprint.

Order:

1. Ask the host for its key, and look up what is on record.
2. Show both; take the fingerprint from the person, who has it from the host itself.
3. In one transaction: journal it, then put the key into the table (`host_keys`).

Cut off inside 3, the key may be on record without its row in the journal; asking again tells so.
"""

from ops.access.session import at_bench
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.hosts.connect import make_target, shared_pool, table_of
from ops.journal import journal
from ops.language.text import _
from ops.sites.propose import is_closed_here, propose, read_if_there
from ops.sites.tasks import Trust
from ops.terminal.confirm import need_confirmation
from ops.terminal.output import write_line
from provisioning.ssh.host_keys import HostKey, make_table, read_keys, record_key
from provisioning.ssh.targets import SshTarget


def trust_host(wish: Trust) -> int:
    """Show the key of a host and record it; gives the exit code.

    Raises:
        WrongUseError: No host has that name, or the fingerprint is another.
        HostUnavailableError: It does not answer.
        OpsError: The table cannot be read or written.
    """
    estate = load_estate()
    target = make_target(estate, wish.host)
    table = table_of(estate, estate.host(wish.host))
    shown = shared_pool().ask_key(target)
    try:
        known = read_keys(table, target.known_name)
        if wish.confirm and shown in known:
            need_confirmation(shown.fingerprint, wish.confirm, "")
        if shown in known:
            write_line(
                _("the key {shown} of the host {host} is on record already").format(
                    shown=shown.fingerprint, host=wish.host
                )
            )
            return 0
        _show(target, shown, known)
        if wish.dry_run:
            write_line(_("would record this key in {file}").format(file=table))
            return 0
        need_confirmation(shown.fingerprint, wish.confirm, _question(known))
        waits = is_closed_here(estate, table)
        details = {
            "waits_for_root": waits,
            "address": target.known_name,
            "kind": shown.kind,
            "new": shown.fingerprint,
            "old": [key.fingerprint for key in known],
        }
        with at_bench(estate) as bench, bench.catalog.writing() as session:
            journal.append(
                session, bench.origin, [journal.Entry("host.trusted", wish.host, details)]
            )
            if not waits:
                record_key(table, target.known_name, shown)
        if waits:
            before = read_if_there(table)
            content = make_table(table, target.known_name, shown).encode("utf-8", "surrogateescape")
            made = propose(estate, table, before, content, task="estate.trust", kind="hosts")
            return made.tell()
    except OSError as error:
        raise OpsError(
            "the table of host keys {file} cannot be used",
            why="{reason}",
            data="no key was recorded",
            next_step="let the service's user write it, then run `{program} estate.trust --host"
            " {host}`",
            file=table,
            reason=error.strerror or str(error),
            host=wish.host,
        ) from error
    write_line(
        _("recorded {shown} as the key of the host {host}").format(
            shown=shown.fingerprint, host=wish.host
        )
    )
    return 0


def _show(target: SshTarget, shown: HostKey, known: list[HostKey]) -> None:
    write_line(_("host {host} at {place}").format(host=target.name, place=target.known_name))
    for key in known:
        write_line(_("  on record:  {key} ({kind})").format(key=key.fingerprint, kind=key.kind))
    write_line(_("  it shows:   {key} ({kind})").format(key=shown.fingerprint, kind=shown.kind))
    write_line(
        _(
            "  to compare, on the host itself: ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub"
        ).format(kind=shown.kind.removeprefix("ssh-").partition("-")[0])
    )


def _question(known: list[HostKey]) -> str:
    if known:
        return _(
            "The key has changed. Go on only if those who run the host say that they changed it,"
            " and the fingerprint above is the one they see there."
        )
    return _("Go on only if the fingerprint above is the one that is seen on the host itself.")
