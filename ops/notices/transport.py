"""Hand one message to one target, through apprise; says what went wrong, without secrets.

Apprise answers with one boolean for everything it was given, so each target is sent on its own.
"""

import logging
import re
from io import StringIO
from urllib.parse import quote

from ops.canonical import clean_text
from ops.notices.wording import Message

_LONGEST = 200
_URL = re.compile(r"\S+://\S+")


class NotDeliveredError(Exception):
    """A message did not get through.

    Attributes:
        is_final: Whether trying again is of no use.
    """

    def __init__(self, text: str, *, is_final: bool = False) -> None:
        super().__init__(text)
        self.is_final = is_final


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
            raise NotDeliveredError("the relay's address is not understood", is_final=True)
        if not target.notify(title=message.title, body=message.body, body_format=NotifyFormat.TEXT):
            raise NotDeliveredError(_reason(told))


def _reason(told: StringIO) -> str:
    lines = [line.strip() for line in told.getvalue().splitlines() if line.strip()]
    text = clean_text(lines[0]) if lines else "no answer"
    return _URL.sub("…", text)[:_LONGEST]
