"""Texts as they may be kept and shown: printable, one way to write each, without passwords."""

import re
import unicodedata

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]*@")
_SECRET_PARAMETER = re.compile(
    r"([?&;][\w.-]*(?:pass(?:word|wd|phrase)?|pwd|secret|token|key|sig(?:nature)?)=)[^&;#\s\"']+",
    re.IGNORECASE,
)


def clean_text(value: str) -> str:
    """Give NFC text without control characters, undecodable bytes escaped, no URL password."""
    printable = value.encode("utf-8", "backslashreplace").decode()
    composed = unicodedata.normalize("NFC", _CONTROL.sub(" ", printable))
    return strike_passwords(composed)


def one_line(value: str) -> str:
    """Give clean text in one line, without what is invisible or turns the writing round.

    For what stands on a paper or beside the program's own lines: nobody types a line of theirs.
    """
    shown = "".join(it if it.isprintable() else " " for it in clean_text(value))
    return " ".join(shown.split())


def strike_passwords(text: str) -> str:
    """Strike out what URLs in a text carry of secrets: before the host, or as a parameter."""
    return _SECRET_PARAMETER.sub(r"\1***", _PASSWORD_IN_URL.sub(r"\1:***@", text))


def keep_told(value: object) -> object:
    """Give a value as JSON keeps it; of an error its template stays apart from its values."""
    if hasattr(value, "what") and hasattr(value, "params"):
        params = {name: keep_told(it) for name, it in value.params.items()}
        return {"what": value.what, "params": params}
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return clean_text(text)
