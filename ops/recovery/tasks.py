"""`service.recover`: the service comes back from a store."""

from typing import Annotated

from ops.terminal.flags import (
    AccessKeyFile,
    Document,
    DryRun,
    Identity,
    KnownHosts,
    Region,
    SecretKeyFile,
)
from ops.terminal.task import Flag, task


# On a bare machine nobody's role is known, else it asks inside; root gives everything to the
# service's user in the end.
@task(
    "service.recover",
    "ops.recovery.cli:recover_service",
    roles=None,
    as_owner=False,
    second=("service-recovery",),
)
class Recover:
    """Bring the service back on a bare machine, from one store and the key.

    Over a catalog that is there it takes a backup administrator and a second person.
    """

    repo: Annotated[str, Flag("A store, or the repository STORE/giucong in it.")]
    password_file: Annotated[
        str,
        Flag("File with the key's line; else RESTIC_PASSWORD_FILE is read.", shape="secret"),
    ] = ""
    share: Annotated[
        tuple[str, ...],
        Flag(
            "Words of a share from paper, a file each, in the place of the key's line.",
            shape="secret",
        ),
    ] = ()
    identity: Identity = ""
    known_hosts: KnownHosts = ""
    access_key_file: AccessKeyFile = ""
    secret_key_file: SecretKeyFile = ""
    region: Region = ""
    target: Annotated[
        str,
        Flag(
            "Folder that becomes the estate's; left out: the one it was in, where GIUCONG_ESTATE or"
            " --also names it, or it is /etc/giucong.",
            shape="output-folder",
        ),
    ] = ""
    also: Annotated[
        tuple[str, ...],
        Flag(
            "Another folder that may be written into; may be given several times.",
            shape="output-folder",
        ),
    ] = ()
    confirm: Annotated[str, Flag("`giucong`: move aside what is there already.")] = ""
    reason: Annotated[
        str,
        Flag("Why; who approves a recovery over a service that is there reads it.", shape="long"),
    ] = ""
    document: Document = ""
    dry_run: DryRun = False
