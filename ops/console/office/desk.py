"""What a page is made with: the estate, the catalog, who looks, and documents made lately."""

import contextvars
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ops.access.caller import Caller, acting_for
from ops.access.identity import check_roles, find_actor, is_service_owner
from ops.access.rights import decide_may
from ops.access.roles import is_anybody_appointed, roles_of
from ops.catalog.open import KeptCatalog, keeping_catalog, open_catalog
from ops.console.acts import Act
from ops.console.office.sessions import Sessions
from ops.errors import OpsError
from ops.estate.load.load import keeping_estate, load_estate
from ops.estate.load.read import Stamps, find_estate_path, stamp_estate, stamp_files
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.estate.model.sites import Site
from ops.language.text import language
from ops.terminal.document import read_document as document_of
from ops.terminal.task import JSON_FLAG, find_task

FRESH_SECONDS = 3.0
STALE_SECONDS = 30.0
_MOST = 200

SHARED = frozenset(
    {
        "archive.status", "backup.status", "drill.list", "duty.due", "duty.list",
        "monitor.alerts", "monitor.forecast", "monitor.status", "plan.show", "report.kinds",
        "report.section", "runbook.list", "security.findings", "service.jobs",
    }
)  # fmt: skip
"""Tasks that tell everybody the same who may run them."""

Document = Any
"""What `make` gives; nobody changes it."""


@dataclass(slots=True)
class _Kept:
    made: float
    document: Document
    is_renewing: bool = False


@dataclass(slots=True)
class Documents:
    """What was made lately; safe for threads.

    Documents that many people look at are made once for all of them. One younger than
    `FRESH_SECONDS` is given as it is. An older one is given as well, up to `STALE_SECONDS`, while
    it is made anew aside; each says itself of which moment it is. After an act the next one to look
    waits for a new one, so that who has done something sees it done.

    Attributes:
        clock: Steady seconds.
    """

    clock: Callable[[], float] = time.monotonic
    _kept: dict[Hashable, _Kept] = field(init=False, default_factory=dict)
    _locks: dict[Hashable, threading.Lock] = field(init=False, default_factory=dict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _age: int = field(init=False, default=0)

    def get(self, key: Hashable, make: Callable[[], Document]) -> Document:
        """Give a document; what `make` raises when somebody waits for it is not caught."""
        with self._lock:
            kept, now = self._kept.get(key), self.clock()
            if kept is not None and now - kept.made < STALE_SECONDS:
                if now - kept.made >= FRESH_SECONDS and not kept.is_renewing:
                    kept.is_renewing = True
                    self._renew_aside(key, make)
                return kept.document
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            kept = self._kept.get(key)
            if kept is not None and self.clock() - kept.made < FRESH_SECONDS:
                return kept.document
            return self._make(key, make)

    def forget(self) -> None:
        """Have everything made anew, also what is being made: somebody has done something."""
        with self._lock:
            self._age += 1
            self._kept.clear()
            self._locks.clear()

    def _renew_aside(self, key: Hashable, make: Callable[[], Document]) -> None:
        around = contextvars.copy_context()

        def renew() -> None:
            try:
                around.run(self._make, key, make)
            except Exception:  # noqa: BLE001 - who looks next waits, and is told
                with self._lock:
                    self._kept.pop(key, None)

        threading.Thread(target=renew, daemon=True).start()

    def _make(self, key: Hashable, make: Callable[[], Document]) -> Document:
        began, age = self.clock(), self._age
        try:
            document = make()
        except BaseException:
            with self._lock:
                self._locks.pop(key, None)
            raise
        with self._lock:
            if age != self._age:
                return document  # begun before the act: good for who asked then, for nobody after
            self._kept[key] = _Kept(began, document)
            while len(self._kept) > _MOST:
                oldest = min(self._kept, key=lambda it: self._kept[it].made)
                del self._kept[oldest]
                self._locks.pop(oldest, None)
        return document


def key_of(task: str, flags: Mapping[str, object], language: str) -> Hashable:
    """Give what tells one document from another."""
    return task, language, tuple(sorted((name, str(value)) for name, value in flags.items()))


_LOOK_EVERY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Desk:
    """What a page is made with.

    Attributes:
        estate: As loaded.
        catalog: Open; not to be closed.
        caller: Who looks.
        roles: What the person holds; None before anybody holds one, when all is allowed.
        now: The moment.
        documents: What others have looked at lately.
        sessions: Who is logged in.
    """

    estate: Estate
    catalog: KeptCatalog
    caller: Caller
    roles: frozenset[str] | None
    now: datetime
    documents: Documents
    sessions: Sessions

    def look(self, task: str, **flags: Any) -> dict[str, Any]:
        """Give the document of a task that only looks, for who may run it.

        Its rows are the page's own; what is inside them is shared.

        Args:
            task: Its full name.
            flags: Its parameters; `json` is added where it has it.

        Raises:
            NotAllowedError: The person's roles do not reach.
            OpsError: As the task itself.
        """
        self.check(task, flags)
        flags[JSON_FLAG] = True

        def make() -> dict[str, Any]:
            return document_of(lambda: find_task(task).run(flags))

        if task not in SHARED:
            return make()
        document = self.documents.get(key_of(task, flags, language()), make)
        return {**document, "items": [dict(it) for it in document["items"]]}

    def share(self, name: str, make: Callable[[], Any]) -> Any:
        """Give what is made once for all who look at it; not to be changed.

        Args:
            name: What tells it from others: all that it depends on but estate and language.
            make: Makes it; whoever may see it has been checked.
        """
        return self.documents.get((name, language()), make)

    def check(self, task: str, values: Mapping[str, object]) -> None:
        """Refuse a task that the person may not run.

        Raises:
            NotAllowedError: The roles do not reach.
        """
        if self.roles is not None:
            check_roles(self.estate, self.roles, task, values)

    def own_sites(self) -> list[str]:
        """Give the names of the sites of the person's own unit."""
        person = find_actor(self.estate.people)
        unit = person.unit if person else ""
        return [it.name for it in self.estate.sites if unit and it.unit == unit]

    def may(self, task: str, **flags: Any) -> bool:
        """Say whether the person may run a task with these flags."""
        if self.roles is None:
            return True
        person = find_actor(self.estate.people)
        units = {site.name: site.unit for site in self.estate.sites}
        unit = units.get(flags.get("site", ""))
        return decide_may(
            self.roles,
            task,
            is_own_site=person is not None and unit is not None and unit == person.unit,
            is_asked=person is not None and person.name in self.estate.notices.people,
            flags=[flag for flag, value in flags.items() if value],
        )

    def sites(self, task: str, **flags: Any) -> tuple[Site, ...]:
        """Give the sites for which the person may run a task with these flags."""
        return tuple(it for it in self.estate.sites if self.may(task, **flags, site=it.name))

    def may_act(self, act: Act) -> bool:
        """Say whether the person may do an act, be it for some site."""
        always = act.form.always
        return self.may(act.task, **always) or bool(self.sites(act.task, **always))


@dataclass(slots=True)
class EstateKeeper:
    """Keeps estate and catalog open for all pages, and loads the estate anew when it changes.

    Attributes:
        documents: What people have looked at lately.
        sessions: Who is logged in.
    """

    documents: Documents = field(init=False, default_factory=Documents)
    sessions: Sessions = field(default_factory=Sessions)
    _estate: Estate | None = field(init=False, default=None)
    _catalog: KeptCatalog | None = field(init=False, default=None)
    _seen: Stamps = field(init=False, default_factory=dict)
    _looked: float = field(init=False, default=0.0)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def get(self) -> tuple[Estate, KeptCatalog]:
        """Give both as they are now; an estate with mistakes leaves the one before in force.

        Raises:
            OpsError: There was none before.
        """
        with self._lock:
            now = time.monotonic()
            if self._estate is None or now - self._looked > _LOOK_EVERY_SECONDS:
                self._looked = now
                self._look_again()
            if self._estate is None or self._catalog is None:
                raise LookupError
            return self._estate, self._catalog

    def _look_again(self) -> None:
        if self._estate is not None and stamp_files(self._seen) == self._seen:
            return
        stamps = stamp_estate(find_estate_path())
        try:
            estate = load_estate()
        except OpsError:
            if self._estate is None:
                raise
            return
        url = reveal(estate.catalog.url)
        if self._catalog is None or self._catalog.url != url:
            opened = open_catalog(url)
            self._catalog = KeptCatalog(opened.readers, opened.writers, url)
        self._estate, self._seen = estate, stamps
        self.documents.forget()

    @contextmanager
    def at_desk(self, caller: Caller) -> Iterator[Desk]:
        """Give somebody a desk; what is asked there is asked for that person."""
        estate, catalog = self.get()
        with keeping_estate(estate), keeping_catalog(catalog), acting_for(caller):
            person = find_actor(estate.people)
            with catalog.reading() as session:
                appointed = is_anybody_appointed(session)
                roles = roles_of(session, person.name) if person and appointed else frozenset()
            held = None if not appointed and is_service_owner(estate) else roles
            now = datetime.now(UTC)
            yield Desk(estate, catalog, caller, held, now, self.documents, self.sessions)
