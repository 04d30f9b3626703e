"""What can be done from the console: tasks, and which of their flags a form may fill.

The one list: forms, rights and tests come from it. What names a file or a folder of the server is
never a field: what is uploaded, and where results go, the office itself decides.
"""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from ops.console.office.offer import offered_secret
from ops.console.words import FIELDS
from ops.errors import WrongUseError
from ops.language.text import N_, _, make_visible
from ops.parts import Seam
from ops.terminal.task import PROOF_FLAG, OperatorTask

Kind = Literal[
    "text", "long", "lines", "pairs", "yes", "number", "date", "moment", "hidden", "upload", "path"
]

TASK_MODULES: Seam[ModuleType] = Seam("task-modules")
"""The modules that hold tasks."""

_LONG = frozenset({"note", "reason", "text", "risk", "result"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A task that a form runs.

    Attributes:
        task: Its full name.
        label: What the button says.
        name: What forms call it, where the task has several; else they call it by its task.
        fields: Its flags that the form fills, in order.
        needs: Fields that may not be left out here, though the task does without.
        kinds: How a field is filled, where its type and name do not say. A `path` is one of a
            snapshot, percent-encoded: the task gets the pattern that means it alone.
        proof: The flag that takes password and code, where the person proves anew.
        names_person: Whether `--person` is who acts.
        upload: The flag that takes what is uploaded.
        out: The flag that says where its files go; they can be downloaded after it.
        out_name: The name of the one file that `out` takes; empty where it takes a folder.
        always: Flags that are always given.
        about: What it does, where the task's own first sentence says something else.
        renews: Whether it gives who acts new secrets; what it says is shown once and kept nowhere.
    """

    task: str
    label: str
    name: str = ""
    fields: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] | None = None
    proof: str = ""
    names_person: bool = False
    upload: str = ""
    out: str = ""
    out_name: str = ""
    always: Mapping[str, object] | None = None
    about: str = ""
    renews: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a form.

    Attributes:
        name: The task's parameter.
        kind: How it is filled.
        help: What it is; not translated.
        is_required: Whether it may not be left out.
    """

    name: str
    kind: Kind
    help: str
    is_required: bool


_LISTED = (
    Act(task="monitor.ack", label=N_("Take up"), fields=("alert", "note")),
    Act(
        task="approval.approve", label=N_("Approve"), fields=("id", "reason"),
        proof="password_file", names_person=True,
    ),
    Act(
        task="approval.refuse", label=N_("Refuse"), fields=("id", "reason"),
        proof="password_file", names_person=True,
    ),
    Act(task="service.trigger", label=N_("Run now"), fields=("job",)),
    Act(
        task="monitor.silence", label=N_("Silence"),
        fields=("about", "until", "reason", "critical", "end"),
        kinds={"until": "moment", "end": "hidden"},
    ),
    Act(task="monitor.check", label=N_("Look once now"), fields=("host", "site")),
    Act(task="security.audit", label=N_("Audit now"), fields=("host", "site", "only", "all")),
    Act(
        task="security.accept", label=N_("Accept until a day"),
        fields=("id", "until", "reason", "document"), kinds={"until": "date"}, proof="proof_file",
    ),
    Act(
        task="archive.export", label=N_("Give the item out"), fields=("id", "as_", "version"),
        out="out",
    ),
    Act(
        task="register.add", label=N_("Enter something"),
        fields=("kind", "title", "unit", "site", "reporter", "document", "occurred", "received",
                "serious", "personal_data", "from_alert", "from_drill", "from_finding"),
        kinds={"occurred": "moment", "received": "moment"},
    ),
    Act(
        task="register.update", label=N_("Note how it goes on"),
        fields=("id", "acknowledged", "restored", "at", "note", "cause", "document", "serious",
                "personal_data", "run", "alert", "drill", "finding"),
        kinds={"at": "moment", "cause": "long"},
    ),
    Act(
        task="register.close", label=N_("Conclude it"),
        fields=("id", "result", "cause", "document"), kinds={"cause": "long"},
    ),
    Act(
        task="backup.restore", label=N_("Get this file"), out="target", kinds={"include": "path"},
        fields=("site", "store", "snapshot", "include", "reason"), needs=("include",),
    ),
    Act(
        task="backup.restore", name="backup.restore.in-place", label=N_("Put back in its place"),
        fields=("site", "store", "snapshot", "include", "confirm", "reason", "document", "verify"),
        kinds={"include": "path"}, always={"in_place": True}, proof=PROOF_FLAG,
    ),
    Act(
        task="drill.run", label=N_("Drill now"), kinds={"file": "yes"},
        fields=("site", "store", "snapshot", "file", "reason", "document"),
    ),
    Act(task="report.drill", label=N_("Minutes as a paper"), fields=("id",), out="out"),
    Act(task="plan.draft", label=N_("Draft from what the service knows"), fields=("year",)),
    Act(
        task="plan.edit", label=N_("Change the item"),
        fields=("year", "item", "add", "set", "reject", "take_up", "quotation", "opinion",
                "document"),
        kinds={"set": "pairs", "reject": "long", "opinion": "long"},
    ),
    Act(
        task="plan.submit", label=N_("Hand in"), fields=("year", "review", "document"),
    ),
    Act(
        task="plan.record-decision", label=N_("Record the decision"),
        fields=("year", "number", "date", "signer", "document", "grant", "defer", "returned",
                "reason"),
        kinds={"date": "date", "returned": "long"}, proof="proof_file",
    ),
    Act(task="plan.revise", label=N_("Begin a revision"), fields=("year", "reason")),
    Act(
        task="plan.progress", label=N_("Note how it goes on"),
        fields=("year", "item", "contracted", "paid", "done", "result", "begins", "until", "stops",
                "document"),
        kinds={"done": "long", "begins": "moment", "until": "moment"},
    ),
    Act(
        task="plan.complete", label=N_("Accept the work"),
        fields=("year", "item", "amount", "date", "document", "trial", "report"),
        kinds={"date": "date"},
    ),
    Act(task="plan.show", label=N_("Make the papers"), fields=("year",), out="out"),
    Act(
        task="report.make", label=N_("Make a paper"),
        fields=("kind", "year", "from_", "to", "site", "of", "number", "date", "request"),
        kinds={"from_": "date", "to": "date", "date": "date"}, out="out",
    ),
    Act(
        task="report.issue", label=N_("Take the signed paper back"),
        fields=("kind", "number", "date", "year", "site", "request", "scan"),
        kinds={"date": "date"}, upload="file",
    ),
    Act(
        task="report.request", label=N_("Note a request"),
        fields=("requester", "due", "reference", "about", "kind", "from_", "to", "end", "reason",
                "document"),
        kinds={"due": "date", "from_": "date", "to": "date"},
    ),
    Act(
        task="report.section", label=N_("Write the unit's part"),
        fields=("site", "year", "board", "content", "shortcomings", "proposals", "confirm"),
        kinds=dict.fromkeys(("board", "content", "shortcomings", "proposals"), "long"),
    ),
    Act(task="report.site", label=N_("Make the report"), fields=("site", "year"), out="out"),
    Act(
        task="duty.record", label=N_("Record that it was done"),
        fields=("duty", "period", "document", "subject", "done"),
        kinds={"period": "date", "done": "date"},
    ),
    Act(
        task="duty.planned-stop", label=N_("Plan a stop"),
        fields=("site", "from_", "until", "reason", "instead", "force_majeure", "cancel",
                "document"),
        kinds={"from_": "moment", "until": "moment"},
    ),
    Act(
        task="user.role", label=N_("Give or take a role"),
        fields=("person", "role", "take", "reason", "document"), proof="proof_file",
    ),
    Act(task="user.disable", label=N_("Take the credentials away"), fields=("person", "reason")),
    Act(task="service.journal-verify", label=N_("Verify the journal"), fields=()),
    Act(task="asset.import", label=N_("Take a sheet over"), fields=(), upload="file"),
    Act(
        task="asset.export", label=N_("Write them into a sheet"), fields=("kind",), out="out",
        out_name="assets.xlsx",
    ),
    Act(
        task="document.add", label=N_("Keep a document"),
        fields=("title", "number", "date", "about"), kinds={"date": "date"}, upload="file",
    ),
    Act(
        task="runbook.run", label=N_("Begin a run"), fields=("id", "set", "reason", "document"),
        always={"only_begin": True},
    ),
    Act(
        task="runbook.resume", label=N_("Carry this step out"),
        fields=("run", "step", "answer", "roll_back", "reason", "document"), proof="proof_file",
    ),
    Act(task="document.export", label=N_("Download"), fields=("id",), out="out"),
    Act(
        task="duty.policy", name="duty.policy.approve", label=N_("Record that it is approved"),
        fields=("number", "date"), kinds={"date": "date"}, always={"approve": True},
        about=N_("The policy as it is now was approved by a decision on paper: say by which."),
    ),
    Act(
        task="duty.policy", name="duty.policy.withdraw", label=N_("Take a wrong record back"),
        fields=("number", "date", "reason"), kinds={"date": "date"}, always={"withdraw": True},
        about=N_("A decision was recorded by mistake. The journal keeps both."),
    ),
    Act(
        task="backup.run", name="backup.run.accept", label=N_("Back up; the change is meant so"),
        fields=("site",), always={"accept_size": True},
        about=N_("Much has gone or changed on purpose: this backup takes it for normal."),
    ),
    Act(task="backup.accept", label=N_("It was looked at"), fields=("site", "reason")),
    Act(
        task="backup.hold", label=N_("Hold backups"),
        fields=("site", "snapshot", "reason", "reference"),
    ),
    Act(
        task="backup.release", label=N_("Release the hold"), fields=("hold", "reason"),
        proof=PROOF_FLAG,
    ),
    Act(
        task="security.baseline", label=N_("Allow what is there now"),
        fields=("host", "only", "reason", "document"), always={"approve": True}, proof=PROOF_FLAG,
    ),
    Act(
        task="service.missed", label=N_("All of them were looked at"), fields=("note",),
        always={"seen": True},
    ),
    Act(task="service.notify-test", label=N_("Send a test message"), fields=("person",)),
    Act(
        task="user.reset-totp", label=N_("Use the new app"), proof="password_file",
        names_person=True, renews=True,
    ),
    Act(
        task="user.reset-totp", name="user.reset-totp.keep", label=N_("Renew"),
        proof="password_file", names_person=True, renews=True, always={"keep_app": True},
    ),
)  # fmt: skip

ACTS: Mapping[str, Act] = {act.name or act.task: act for act in _LISTED}
"""By what forms call them."""


def find_act(name: str) -> Act:
    """Give an act.

    Raises:
        WrongUseError: The console does no such thing.
    """
    if name not in ACTS:
        raise WrongUseError(
            "the console has no act {task}",
            data="nothing was changed",
            next_step="go back to the page and use its buttons",
            task=name[:80],
        )
    return ACTS[name]


def find_task(name: str) -> OperatorTask:
    """Give a task by its full name, `area.verb`.

    Raises:
        LookupError: There is none.
    """
    area, _dot, verb = name.partition(".")
    for module in TASK_MODULES.parts():
        if area == module.AREA and (found := _find_in(module, verb)):
            return found
    raise LookupError(name)


def _find_in(module: ModuleType, verb: str) -> OperatorTask | None:
    for value in vars(module).values():
        is_own = isinstance(value, OperatorTask) and value.__module__ == module.__name__
        if is_own and value.entry.name.partition(".")[2] == verb:
            return value  # type: ignore[no-any-return]  # invoke has no types
    return None


def fields_of(act: Act) -> list[Field]:
    """Give the fields of an act's form, in order."""
    entry = find_task(act.task).entry
    parameters = inspect.signature(entry.body).parameters
    return [
        Field(
            name=name,
            kind=_kind_of(act, name, parameters[name]),
            help=FIELDS.get(f"{act.task}.{name}") or entry.help.get(name.strip("_"), ""),
            is_required=name in act.needs or parameters[name].default is inspect.Parameter.empty,
        )
        for name in act.fields
    ]


def can_rehearse(act: Act) -> bool:
    """Say whether the task has a dry run, which a form offers before the act."""
    parameters = inspect.signature(find_task(act.task).entry.body).parameters
    return "dry_run" in parameters and not act.renews


def needs_file(act: Act) -> bool:
    """Say whether the task does nothing without an upload."""
    parameters = inspect.signature(find_task(act.task).entry.body).parameters
    return bool(act.upload) and parameters[act.upload].default is inspect.Parameter.empty


def _kind_of(act: Act, name: str, parameter: inspect.Parameter) -> Kind:
    if act.kinds and name in act.kinds:
        return act.kinds[name]
    if isinstance(parameter.default, bool):
        return "yes"
    if isinstance(parameter.default, int):
        return "number"
    if "list" in str(parameter.annotation):
        return "lines"
    return "long" if name in _LONG else "text"


_LONGEST_VALUE, _LONGEST_PATH, _LONGEST_PROOF = 4_000, 13_000, 200
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

    Raises:
        WrongUseError: A field is missing, too long, or of another kind.
    """
    read = {
        field.name: _read_lines(field, form)
        if field.kind in {"lines", "pairs"}
        else _read_value(field, form.get(field.name, ""))
        for field in fields_of(act)
    }
    given = {name: it for name, it in read.items() if it is not None}
    several = set(find_task(act.task).iterable)
    return {**(act.always or {}), **{name: [it] if name in several and isinstance(it, str) else it
            for name, it in given.items()}}  # fmt: skip


def read_proof(given: Mapping[str, Any]) -> tuple[str, str]:
    """Read password and code, as a form sent them.

    Raises:
        WrongUseError: One of them is too long, or has more than one line.
    """
    password, code = str(given.get("password", "")), str(given.get("code", ""))
    if max(len(password), len(code)) > _LONGEST_PROOF or "\n" in password + code:
        raise WrongUseError("password or code cannot be read", data="nothing was changed")
    return password, code


def read_typed(given: Mapping[str, Any], person: str) -> dict[str, str]:
    """Read the new secrets of a form, as `ops.access.prompts.typed_before` takes them.

    Args:
        given: `new_password` with `new_password_again`; `offer` of a factor, with `new_code`.
        person: To whom it was offered.

    Raises:
        WrongUseError: The two passwords differ, or one of them is too long.
    """
    texts = {name: str(given.get(name, "")) for name in _TYPED}
    if any(len(it) > _LONGEST_PROOF or "\n" in it for it in texts.values()):
        raise WrongUseError("password or code cannot be read", data="nothing was changed")
    if texts["new_password"] != texts["new_password_again"]:
        raise WrongUseError(
            "the two passwords differ", data="nothing was changed", next_step="try again"
        )
    secret = offered_secret(person, texts["offer"]) if texts["offer"] else ""
    return {"new_password": texts["new_password"], "new_code": texts["new_code"], "secret": secret}


def _read_value(field: Field, given: object) -> object:
    """Read one field; None where nothing was filled in."""
    longest = _LONGEST_PATH if field.kind == "path" else _LONGEST_VALUE
    if not isinstance(given, str) or len(given) > longest:
        raise _unfit(field)
    text = given.replace("\r\n", "\n").strip()
    if make_visible(text, one_line=field.kind not in {"long", "lines", "pairs"}) != text:
        raise _unfit(field)
    if field.is_required and not text:
        raise WrongUseError(
            "this field must be filled: {field}",
            data="nothing was changed",
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
        data="nothing was changed",
        next_step="go back and correct it",
        field=_(field.help) or field.name,
    )
