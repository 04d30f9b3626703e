"""Tasks of a new machine: get all back, and take the catalog over."""

from typing import Annotated

from ops.language.text import N_
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
        str, Flag("File with the key's line; else RESTIC_PASSWORD_FILE is read.", shape="secret")
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


TITLE = N_("the catalog: the service's own database")


# Root alone, as it sees itself inside.
@task("catalog.move", "ops.recovery.catalog_move:move_catalog", roles=None)
class Move:
    """Move the catalog with all its records to another database; the service must not run."""

    to: Annotated[
        str,
        Flag(
            "Where to: `file:PATH` with the URL of an empty PostgreSQL database, or"
            " `sqlite:///PATH` of a file that is not there yet."
        ),
    ]
    dry_run: DryRun = False


# Root alone says it, and must be seen to be root.
@task("catalog.trust", "ops.recovery.catalog_copy:trust_catalog", roles=None, as_owner=False)
class TrustCatalog:
    """Say as root that this catalog counts, although the stores are older than its records.

    Until then nothing is forgotten, and nothing is done that takes two people.
    """

    reason: Annotated[
        str,
        Flag("Why this catalog counts, although its records are new or were moved.", shape="long"),
    ]
    confirm: Annotated[str, Flag("`giucong`, instead of typing it.")] = ""
    dry_run: DryRun = False
