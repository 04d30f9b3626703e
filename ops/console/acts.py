"""What can be done from the console: tasks, which of their flags a form may fill, and how.

The one list: forms, rights and tests come from it. What names a file or a folder of the server is
never a field: what is uploaded, and where results go, the office itself decides.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args
from urllib.parse import unquote_to_bytes

from ops.errors import WrongUseError
from ops.language.text import _, make_visible
from ops.terminal.task import DeclaredFlag, Form, Task, all_tasks

Kind = Literal[
    "text", "long", "lines", "pairs", "yes", "number", "date", "moment", "hidden", "upload", "path"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a form.

    Attributes:
        name: The task's parameter.
        kind: How it is filled. A `path` is one of a snapshot, percent-encoded: the task gets the
            pattern that means it alone.
        help: What it is; not translated.
        is_required: Whether it may not be left out.
        choices: What it may be, with its title, not translated; empty where it is free.
    """

    name: str
    kind: Kind
    help: str
    is_required: bool
    choices: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Act:
    """A task that a form runs."""

    declared: Task
    form: Form

    @property
    def task(self) -> str:
        """Its full name."""
        return self.declared.name

    @property
    def proof(self) -> str:
        """The flag that takes password and code, where the person proves anew."""
        return self.declared.proof if self.form.proves else ""

    @property
    def can_rehearse(self) -> bool:
        """Whether the task has a dry run, which the form offers before the act."""
        return "dry_run" in self.declared.flags and not self.form.renews

    @property
    def needs_file(self) -> bool:
        """Whether the task does nothing without an upload."""
        return bool(self.form.upload) and self.declared.flags[self.form.upload].is_required

    def fields(self) -> list[Field]:
        """Give the fields of its form, in order."""
        needs = self.form.needs.split()
        return [
            Field(
                name=it.name,
                kind=_kind_of(it),
                help=it.label or it.help,
                is_required=it.name in needs or it.is_required,
                choices=it.choices() if it.kind is str else {},
            )
            for it in self.declared.fields_of(self.form)
        ]


@cache
def all_acts() -> Mapping[str, Act]:
    """Give every act by what forms call it."""
    acts = (Act(task, form) for task in all_tasks().values() for form in task.forms)
    return {act.form.name or act.task: act for act in acts}


def find_act(name: str) -> Act:
    """Give an act."""
    if name not in all_acts():
        raise WrongUseError(
            "the console has no act {task}",
            next_step="go back to the page and use its buttons",
            task=name[:80],
        )
    return all_acts()[name]


def _kind_of(flag: DeclaredFlag) -> Kind:
    if flag.shape in get_args(Kind):
        return flag.shape  # type: ignore[return-value]  # just looked
    return "lines" if flag.kind is tuple else "text"


_KEY = secrets.token_bytes(32)
_SECRET_BYTES = 20
"""160 bits, as `ops.access.factors.make_totp_secret`."""


def make_offer() -> str:
    """Give what a form holds of a factor that nobody else is offered.

    A page shows the secret and its form holds what it was made from; the secret is made anew from
    that when the form comes back (`offered_secret`). So nobody chooses it, and what nobody takes up
    was never there.
    """
    return secrets.token_urlsafe(16)


def offered_secret(person: str, offer: str) -> str:
    """Give the secret of an offer to a person, in base32."""
    made = hmac.digest(_KEY, f"{person}\0{offer}".encode(), "sha256")
    return base64.b32encode(made[:_SECRET_BYTES]).decode()


LONGEST_PATH = 13_000
"""Of a path as addresses and forms have it: each byte may take three signs."""

_LONGEST_VALUE, _LONGEST_PROOF = 4_000, 200
_WILD = re.compile(rb"[][*?\\!]")
_DIGITS, _MOST_LINES = 6, 200
_TYPED = ("new_password", "new_password_again", "new_code", "offer")


def read_values(act: Act, form: Mapping[str, Any]) -> dict[str, object]:
    """Read what a form sent, as the task's parameters.

    A flag that may be given several times is filled by the lines of a field, and by fields of the
    form called `FLAG.NAME`, each of which gives `NAME=VALUE`; of pairs an empty value counts, too.

    Args:
        act: What is to be done.
        form: As sent: texts, whatever their names.
    """
    read = {
        field.name: _read_lines(field, form)
        if field.kind in {"lines", "pairs"}
        else _read_value(field, form.get(field.name, ""))
        for field in act.fields()
    }
    given = {name: it for name, it in read.items() if it is not None}
    flags = act.declared.flags
    return {
        **act.form.always,
        **{
            name: [it] if flags[name].kind is tuple and isinstance(it, str) else it
            for name, it in given.items()
        },
    }


def read_proof(given: Mapping[str, Any]) -> tuple[str, str]:
    """Read password and code, as a form sent them."""
    password, code = str(given.get("password", "")), str(given.get("code", ""))
    if max(len(password), len(code)) > _LONGEST_PROOF or "\n" in password + code:
        raise WrongUseError("password or code cannot be read")
    return password, code


def read_typed(given: Mapping[str, Any], person: str) -> dict[str, str]:
    """Read the new secrets of a form, as `ops.access.prompts.typed_before` takes them.

    Args:
        given: `new_password` with `new_password_again`; `offer` of a factor, with `new_code`.
        person: To whom it was offered.
    """
    texts = {name: str(given.get(name, "")) for name in _TYPED}
    if any(len(it) > _LONGEST_PROOF or "\n" in it for it in texts.values()):
        raise WrongUseError("password or code cannot be read")
    if texts["new_password"] != texts["new_password_again"]:
        raise WrongUseError("the two passwords differ", next_step="try again")
    secret = offered_secret(person, texts["offer"]) if texts["offer"] else ""
    return {"new_password": texts["new_password"], "new_code": texts["new_code"], "secret": secret}


def _read_value(field: Field, given: object) -> object:
    """Read one field; None where nothing was filled in."""
    longest = LONGEST_PATH if field.kind == "path" else _LONGEST_VALUE
    if not isinstance(given, str) or len(given) > longest:
        raise _unfit(field)
    text = given.replace("\r\n", "\n").strip()
    if make_visible(text, one_line=field.kind not in {"long", "lines", "pairs"}) != text:
        raise _unfit(field)
    if field.is_required and not text:
        raise WrongUseError(
            "this field must be filled: {field}",
            next_step="go back and fill it",
            field=_(field.help) or field.name,
        )
    if field.kind == "yes":
        return text in {"1", "on", "true"}
    if field.kind == "number" and text:
        return _read_number(field, text)
    if field.kind == "path" and text:
        return [pattern_of(_read_path(field, text))]
    return text or None


def _read_path(field: Field, text: str) -> bytes:
    path = unquote_to_bytes(text)
    if not path.startswith(b"/") or b"\0" in path:
        raise _unfit(field)
    return path


def pattern_of(path: bytes) -> str:
    """Give the pattern that means one path alone, whatever signs it holds."""
    return _WILD.sub(rb"\\\g<0>", path).decode("utf-8", "surrogateescape")


def _read_lines(field: Field, form: Mapping[str, Any]) -> list[str]:
    """Read what may be given several times; None and empty are the same."""
    text = _read_value(field, form.get(field.name, ""))
    lines = [it.strip() for it in str(text or "").split("\n")]
    for name, value in form.items():
        flag, dot, key = name.partition(".")
        if dot and flag == field.name:
            text = str(_read_value(field, value) or "")
            lines += [f"{key}={text}"] if text or field.kind == "pairs" else []
    if len(lines) > _MOST_LINES:
        raise _unfit(field)
    return [it for it in lines if it]


def _read_number(field: Field, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise _unfit(field)
    return int(text)


def _unfit(field: Field) -> WrongUseError:
    return WrongUseError(
        "this field cannot be read: {field}",
        next_step="go back and correct it",
        field=_(field.help) or field.name,
    )
