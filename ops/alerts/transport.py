"""Hand one message to one target, through apprise; says what went wrong, without secrets.

Apprise answers with one boolean for everything it was given, so each target is sent on its own.
"""

import logging
import re
from collections.abc import Mapping
from urllib.parse import quote

from ops.alerts.notice_wording import Message
from ops.canonical import clean_text
from ops.language.text import N_

_LONGEST = 200
_UNREACHED = re.compile(r"connection error", re.IGNORECASE)
_REFUSED = re.compile(r"\berror=(\d+)")
_URL = re.compile(r"\S+://\S+")


class NotDeliveredError(Exception):
    """A message did not get through; as text in English, for the catalog.

    Attributes:
        what: Template: why; `ops.language.text.fill` says it in the reader's language.
        params: Values for its placeholders.
        is_final: Whether trying again is of no use.
    """

    def __init__(
        self, what: str, params: Mapping[str, object] | None = None, *, is_final: bool = False
    ) -> None:
        super().__init__(what)
        self.what = what
        self.params = dict(params or {})
        self.is_final = is_final

    def __str__(self) -> str:
        return self.what.format(**self.params)


def address_mail(relay: str, mail: str) -> str:
    """Give the relay's URL with one recipient; one that stands in it already is replaced."""
    kept, _question, query = relay.partition("?")
    others = [it for it in query.split("&") if it and not it.startswith("to=")]
    return f"{kept}?{'&'.join([*others, f'to={quote(mail)}'])}"


def send(url: str, message: Message) -> None:
    """Send a message.

    Args:
        url: An apprise URL of one target; may hold a password.
        message: What to send.

    Raises:
        NotDeliveredError: It did not get through.
    """
    from apprise import Apprise, LogCapture, NotifyFormat

    target = Apprise()
    capture = LogCapture(level=logging.WARNING, fmt="%(message)s")  # type: ignore[no-untyped-call] # apprise has no types
    with capture as told:
        if not target.add(url):
            raise NotDeliveredError(N_("the relay's address is not understood"), is_final=True)
        if not target.notify(title=message.title, body=message.body, body_format=NotifyFormat.TEXT):
            raise explain(told.getvalue())


def explain(told: str) -> NotDeliveredError:
    """Give the error for what apprise wrote into its log; pure."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    if not lines:
        return NotDeliveredError(N_("the relay did not take it, and says nothing more"))
    answer = _URL.sub("…", clean_text(lines[0]))[:_LONGEST]
    if _UNREACHED.search(answer):
        return NotDeliveredError(N_("the relay cannot be reached"))
    code = _REFUSED.search(answer)
    if code is not None:
        return NotDeliveredError(N_("the relay refused it with code {code}"), {"code": code[1]})
    what = N_("the relay did not take it, and says: {answer}")
    return NotDeliveredError(what, {"answer": answer})
