"""One's own account: where one is logged in, and what one proves with, to be renewed."""

from collections.abc import Mapping
from typing import Any

import segno

from ops.access.credentials import count_codes_left
from ops.access.factors import totp_address
from ops.console.office.desk import Desk
from ops.console.office.offer import make_offer, offered_secret
from ops.console.page import Arguments, Page
from ops.language.text import N_

_MOST_SESSIONS = 50


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the person's sessions; with `renew=app` a new second factor to take up."""
    person = desk.caller.person
    with desk.catalog.reading() as session:
        codes, logins = count_codes_left(session, person), desk.sessions.of(session, person)
    sessions = [{"address": it.caller.address, "began": it.began, "seen": it.seen} for it in logins]
    renew = arguments.get("renew", "")
    return {
        "codes_left": codes,
        "sessions": sessions[:_MOST_SESSIONS],
        "renew": renew if renew in {"app", "codes"} else "",
        "offer": _offer(desk, person) if renew == "app" else None,
    }


def _offer(desk: Desk, person: str) -> dict[str, Any]:
    """Give a factor as a square to scan and as text, and what its form holds of it."""
    offer = make_offer()
    secret = offered_secret(person, offer)
    square = segno.make(totp_address(secret, person, desk.estate.name_at()), error="l", micro=False)
    return {"offer": offer, "secret": secret, "square": square.svg_data_uri(scale=5, light="#fff")}


PAGE = Page(
    name="account",
    title=N_("My account"),
    task="user.reset-totp",
    read=read,
    reads=("renew",),
    acts=("user.reset-totp", "user.reset-totp.keep"),
)
