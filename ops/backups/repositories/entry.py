"""How a store is entered while no estate says it: with files that the person brings along."""

from dataclasses import dataclass, fields

from backup.errors import StoreDeniedError
from backup.stores.kinds import find_kind
from backup.stores.options import StoreOptions
from ops.errors import OpsError
from ops.estate.model.references import resolve
from ops.language.causes import tell_error

FLAGS = {
    "sftp": "--identity FILE --known-hosts FILE",
    "s3": "--access-key-file FILE --secret-key-file FILE",
}
"""What lets in besides the address, by the kind of store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What lets into a store; files, since a key on a command line is read by everybody.

    Attributes:
        identity: Private key for SFTP.
        known_hosts: Host keys that are trusted.
        access_key_file, secret_key_file: Files with the keys of S3.
        region: Of S3.
    """

    identity: str = ""
    known_hosts: str = ""
    access_key_file: str = ""
    secret_key_file: str = ""
    region: str = ""

    @classmethod
    def of(cls, wish: object) -> "Access":
        """Take it from the wish of a task that has these flags."""
        return cls(**{it.name: getattr(wish, it.name) for it in fields(cls)})

    def options(self) -> StoreOptions:
        """Give what opens the store besides its address; what is left out the environment says.

        Raises:
            SecretError: A file cannot be read.
        """
        access, secret, _identity = (
            resolve(f"file:{file}").get_secret_value() if file else ""
            for file in (self.access_key_file, self.secret_key_file, self.identity)
        )
        files = {"sftp.identity": self.identity, "sftp.known_hosts": self.known_hosts}
        return StoreOptions(
            access_key=access,
            secret_key=secret,
            region=self.region,
            extra={name: file for name, file in files.items() if file},
        )


class NotLetInError(OpsError):
    """The store does not let in who has named no key of its own."""


def explain_refusal(repo: str, entry: Access, error: StoreDeniedError) -> NotLetInError | None:
    """Say which flags a store that refuses us asks for; None where all were given."""
    kind = find_kind(repo)
    flags = FLAGS.get(kind.scheme, "") if kind else ""
    given = [entry.identity and entry.known_hosts, entry.access_key_file and entry.secret_key_file]
    if not flags or any(given):
        return None
    return NotLetInError(
        "the store at {repo} does not let this machine in",
        why="{reason}",
        data="nothing was changed",
        next_step="bring what it asks for from its safe, and add: `{flags}`; the sheet of key"
        " files says which store needs what",
        repo=repo,
        reason=tell_error(error),
        flags=flags,
    )
