"""What the office is asked for: to let in, to show a page, to have an act done, to hand out a file.

Every answer to somebody begins with the session; nothing is said or done without one, but what is
public.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from ops.access.credentials import Proof
from ops.access.identity import find_actor
from ops.access.rights import ROLES
from ops.console.acts import find_act, read_proof, read_typed, read_values
from ops.console.frames import plain_address, whose_address
from ops.console.office.act_runs import ActRuns
from ops.console.office.captured import CapturedWindow
from ops.console.office.desk import Desk, EstateKeeper
from ops.console.office.order import Order
from ops.console.office.public import PublicStatus
from ops.console.office.server import Answer, Handler, NothingHereError, text_of, texts_of
from ops.console.office.sessions import Door, Sessions
from ops.console.page import GROUPS, Page, all_pages
from ops.journal import journal
from ops.journal.journal import Entry
from ops.language.text import _, language
from ops.terminal.document import plain

_RENEWING_SECONDS = 20.0


@dataclass(slots=True)
class Counter:
    """Answers requests.

    Attributes:
        keeper: Keeps estate and catalog.
        acts: What is being done.
        sessions: Who is logged in.
    """

    keeper: EstateKeeper
    acts: ActRuns
    sessions: Sessions = field(init=False)
    door: Door = field(init=False)
    window: CapturedWindow = field(init=False)

    def __post_init__(self) -> None:
        """Open door and window; after each act everybody sees what it has changed."""
        self.sessions = self.keeper.sessions
        self.door = Door(self.sessions)
        self.acts.on_end = self.keeper.documents.forget
        self.window = CapturedWindow(self.keeper, self.sessions)

    def handlers(self) -> Mapping[str, Handler]:
        """Give what answers to what."""
        return {
            "greeting": self.greet,
            "login": self.log_in,
            "logout": self.log_out,
            "session": self.know,
            "page": self.show,
            "act": self.act,
            "act-state": self.tell_act,
            "act-file": self.hand_out,
            **self.window.handlers(),
            **PublicStatus(self.keeper).handlers(),
        }

    def whose(self, request: Mapping[str, Any]) -> str:
        """Give whose share a request takes: the person's, a stranger's by where it comes from."""
        token = self.window.session_of(request) or text_of(request, "token")
        return self.sessions.person_of(token) or whose_address(text_of(request, "address"))

    def greet(self, _request: Mapping[str, Any]) -> Answer:
        """Say what everybody may know: whose console it is."""
        estate, _catalog = self.keeper.get()
        settings = estate.console
        return Answer(
            {
                "organisation": estate.name_at(),
                "language": estate.organisation.language,
                "zone": estate.organisation.timezone,
                "public_status": settings is not None and settings.public_status,
            }
        )

    def log_in(self, request: Mapping[str, Any]) -> Answer:
        """Let somebody in; gives the token of the session."""
        estate, catalog = self.keeper.get()
        proof = Proof(text_of(request, "password"), text_of(request, "code"))
        token = self.door.let_in(
            estate,
            catalog,
            name=text_of(request, "name").strip(),
            proof=proof,
            address=plain_address(text_of(request, "address")),
        )
        self.sessions.end(text_of(request, "token"))  # the one before it
        return Answer({"token": token})

    def know(self, request: Mapping[str, Any]) -> Answer:
        """Say whether somebody is logged in."""
        with self._desk(request):
            return Answer({})

    def log_out(self, request: Mapping[str, Any]) -> Answer:
        """End a session, or all that the person has."""
        with self._desk(request) as desk:
            if is_everywhere := request.get("everywhere") is True:
                self.sessions.end_all(desk.caller.person)
            self.sessions.end(text_of(request, "token"))
            with desk.catalog.writing() as session:
                from ops.access.session import person_at_terminal

                origin = person_at_terminal(desk.estate)
                journal.append(
                    session,
                    origin,
                    [Entry("user.logout", desk.caller.person, {"everywhere": is_everywhere})],
                )
        return Answer({})

    def show(self, request: Mapping[str, Any]) -> Answer:
        """Give what a page shows, and who looks."""
        with self._desk(request) as desk:
            page = _find_page(text_of(request, "page"))
            given = texts_of(request, "arguments")
            arguments = {name: given[name] for name in page.reads if name in given}
            if not _is_for_some_site(desk, page) or arguments.get("site"):
                desk.check(page.task, arguments)
            shown = plain(page.read(desk, arguments))
            around = {**_around(desk, page), "awaiting": self.acts.awaiting(desk.caller)}
            return Answer({"page": shown, **around})

    def act(self, request: Mapping[str, Any]) -> Answer:
        """Have an act done; gives what is known of it after a moment."""
        with self._desk(request) as desk:
            name = text_of(request, "task")
            act = find_act(name)
            values = read_values(act, texts_of(request, "form"))
            desk.check(act.task, values)
            if act.form.names_person:
                values["person"] = desk.caller.person
            if request.get("rehearse") is True and act.can_rehearse:
                values["dry_run"] = True
            given = texts_of(request, "proof")
            proof = read_proof(given) if act.proof and any(given.values()) else None
            typed = read_typed(given, desk.caller.person) if act.form.renews else {}
            if typed.get("new_password"):
                values["new_password"] = True
            order = Order(
                act=name,
                task=act.task,
                values=values,
                caller=replace(desk.caller, address=plain_address(text_of(request, "address"))),
                language=language(),
                proof_flag=act.proof,
                proof=proof,
                typed=typed,
            )
            if act.form.renews:
                return self._renew(desk, order, text_of(request, "token"))
            run = self.acts.start(
                order,
                upload=request.get("file") or (),
                name=text_of(request, "upload_name"),
                form=texts_of(request, "form"),
            )
            return Answer(run.describe())

    def _renew(self, desk: Desk, order: Order, token: str) -> Answer:
        """Have who is logged in get new secrets, which are in this answer and nowhere else."""
        told = self.acts.take(self.acts.start(order), _RENEWING_SECONDS)
        items = (told["document"] or {}).get("items", [])
        made = [it for it in items if it["action"] == order.task]
        with desk.catalog.reading() as session:
            for it in made:
                self.sessions.follow(session, token, it["details"].get("credential"))
        told |= {"label": _(find_act(order.act).form.label), "is_kept": made == []}
        return Answer({"page": told, **_around(desk, None)})

    def tell_act(self, request: Mapping[str, Any]) -> Answer:
        """Give what is known of an act of one's own, and what surrounds every page."""
        with self._desk(request) as desk:
            run = self.acts.find(text_of(request, "id"), desk.caller)
            act = find_act(run.act)
            desk.check(act.task, run.values)
            told = {**run.describe(), "label": _(act.form.label)}
            return Answer({"page": told, **_around(desk, None)})

    def hand_out(self, request: Mapping[str, Any]) -> Answer:
        """Give a file that an act of one's own has made.

        Raises:
            NothingHereError: It has made no such file.
        """
        with self._desk(request) as desk:
            run = self.acts.find(text_of(request, "id"), desk.caller)
            desk.check(find_act(run.act).task, run.values)
            wanted = text_of(request, "name")
            for path in run.files():
                if run.name_of(path) == wanted:
                    return Answer({"bytes": path.stat().st_size}, path)
        raise NothingHereError("there is no such file")

    @contextmanager
    def _desk(self, request: Mapping[str, Any]) -> Iterator[Desk]:
        _estate, catalog = self.keeper.get()
        with catalog.reading() as session:
            is_used = request.get("by_itself") is not True
            login = self.sessions.find(session, text_of(request, "token"), is_used=is_used)
        with self.keeper.at_desk(login.caller) as desk:
            yield desk


def _find_page(name: str) -> Page:
    pages = all_pages()
    if name not in pages:
        raise NothingHereError("there is no such page")
    return pages[name]


def _is_for_some_site(desk: Desk, page: Page) -> bool:
    """Say whether a page, opened for no certain site, has something to show the person."""
    return page.is_by_site and bool(desk.sites(page.task))


def _around(desk: Desk, page: Page | None) -> dict[str, object]:
    """Give what surrounds every page: who looks, where to go, what may be done here."""
    person = find_actor(desk.estate.people)
    me = {
        "person": desk.caller.person,
        "title": person.title if person else "",
        "roles": [_(title) for role, title in ROLES.items() if role in (desk.roles or ())],
    }
    pages = [
        it
        for it in all_pages().values()
        if it.group and (desk.may(it.task) or _is_for_some_site(desk, it))
    ]
    nav = [
        {"title": _(title), "pages": [{"name": it.name, "title": _(it.title)} for it in inside]}
        for group, title in GROUPS.items()
        if (inside := [it for it in pages if it.group == group])
    ]
    acts = {
        name: _form_of(name, language())
        for name in (page.acts if page else ())
        if desk.may_act(find_act(name))
    }
    title = {"title": _(page.title), "name": page.name} if page else {}
    return {"me": me, "nav": nav, "acts": acts, **title}


@cache
def _form_of(name: str, _language: str) -> dict[str, object]:
    act = find_act(name)
    return {
        "task": name,
        "label": _(act.form.label),
        "about": _(act.form.about or act.declared.about[0]),
        "can_rehearse": act.can_rehearse,
        "needs_proof": bool(act.proof),
        "takes_file": bool(act.form.upload),
        "needs_file": act.needs_file,
        "fields": [
            {
                "name": it.name,
                "kind": it.kind,
                "help": _(it.help),
                "is_required": it.is_required,
                "choices": [(name, _(title)) for name, title in it.choices.items()],
            }
            for it in act.fields()
        ],
    }
