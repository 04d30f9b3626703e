"""Every page opens for every role that may open it, and for nobody else, and renders."""

from collections.abc import Callable, Hashable
from contextlib import suppress
from copy import deepcopy
from itertools import product

import pytest

from ops.access.identity import NotAllowedError
from ops.access.rights import OFFICE
from ops.console.acts import all_acts
from ops.console.office.desk import Document, Documents
from ops.console.page import all_pages
from ops.errors import OpsError
from ops.terminal.elsewhere import BARE
from ops.terminal.task import all_tasks
from tests.console_office import PEOPLE, InProcess, let_backups_fail

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", list(all_pages()))
def test_a_page_opens_for_who_may_and_renders(office: InProcess, name: str) -> None:
    task = all_pages()[name].task
    may = OFFICE if task == BARE else all_tasks()[task].roles or frozenset()
    for person, roles in PEOPLE.items():
        if not may & set(roles):
            with pytest.raises(NotAllowedError):
                office.ask("page", person, page=name, arguments={})
            continue
        assert "<h1>" in office.html(name, person)


def test_every_act_has_its_fields_and_its_right() -> None:
    for act in all_acts().values():
        assert act.fields() is not None
        assert act.task in all_tasks()


def test_no_page_changes_what_others_look_at(office: InProcess) -> None:
    """Each page leaves the documents that all share as they were made."""
    let_backups_fail(office.estate, ["cong-xa"], "Xã xin khôi phục")
    made = dict[Hashable, list[tuple[Document, Document]]]()
    make_kept = Documents._make

    def keep(self: Documents, key: Hashable, make: Callable[[], Document]) -> Document:
        document = make_kept(self, key, make)
        made.setdefault(key, []).append((document, deepcopy(document)))
        return document

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Documents, "_make", keep)
        office.counter.keeper.documents.forget()
        for name, arguments in product(all_pages(), ({}, {"site": "cong-xa"})):
            with suppress(OpsError):  # what it is about is not named
                office.page(name, **arguments)
    looked = {str(key).split("'")[1]: kept for key, kept in made.items()}
    assert looked["monitor.alerts"][0][0]["items"]
    assert looked["backup.status"][0][0]["problems"]
    for name, kept in looked.items():
        assert all(document == as_made for document, as_made in kept), name
