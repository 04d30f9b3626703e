"""The people of the demo, and how one logs in as them.

Passwords are made by chance and lie beside the keys; the secret of the second factor lies sealed in
the catalog, as everybody's does. Whoever may read the demo's keys may be anybody in it, which
nothing outside a demo allows.
"""

import os
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pyotp
from sqlalchemy import select

from ops.access.factors import load_credentials_key, open_secret
from ops.catalog.open import open_catalog
from ops.catalog.tables.access import Credential
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal

ROLES: Mapping[str, tuple[str, ...]] = {
    "nva": ("security_officer", "operator", "backup_admin", "archivist"),
    "lvc": ("approver",),
    "ttb": ("head",),
    "ptd": ("unit_contact",),
    "hve": ("auditor",),
}
"""Name → roles, in the order in which they are given; the first gives them, the second agrees."""

OPERATOR, APPROVER = "nva", "lvc"


def make_password(folder: Path, person: str) -> Path:
    """Make somebody's password, unless there is one; gives the file that only its owner reads."""
    path = folder / "keys" / f"password-{person}"
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(12) + "\n")  # no name of theirs is in it: that is refused
    return path


def password_of(folder: Path, person: str) -> str:
    """Give somebody's password."""
    return (folder / "keys" / f"password-{person}").read_text(encoding="ascii").strip()


def factor_of(estate: Estate, person: str) -> pyotp.TOTP:
    """Give what makes somebody's codes.

    Raises:
        KeyError: The person has no credentials.
        OpsError: The key or the catalog cannot be read.
    """
    catalog = open_catalog(reveal(estate.catalog.url))
    try:
        with catalog.reading() as session:
            row = session.execute(
                select(Credential.totp_sealed).where(Credential.person == person)
            ).scalar_one_or_none()
    finally:
        catalog.close()
    if row is None:
        raise KeyError(person)
    return pyotp.TOTP(open_secret(load_credentials_key(estate), person, row))


def write_proof(folder: Path, estate: Estate, person: str, now: datetime) -> Path:
    """Write the file with which somebody proves who it is: password and code of the moment."""
    path = folder / "keys" / f"proof-{person}"
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{password_of(folder, person)}\n{factor_of(estate, person).at(now)}\n")
    return path
