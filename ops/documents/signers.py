"""Who has signed a document, in words; what was not checked is said."""

from collections.abc import Mapping, Sequence
from typing import Any

from ops.language.text import _


def are_checked(signatures: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether there are any, each of which leads to a root that was trusted; pure."""
    return bool(signatures) and all(it.get("root") for it in signatures)


def tell_signers(signatures: Sequence[Mapping[str, Any]]) -> str:
    """Name who has signed, as `ops.catalog.tables.documents.Document` keeps it."""
    if not signatures:
        return _("not checked")
    names = ", ".join(str(it["signer"]) for it in signatures)
    if are_checked(signatures):
        return names
    return _("{names}; who that is was not checked").format(names=names)
