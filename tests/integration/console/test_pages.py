"""Every page opens for every role that may open it, and for nobody else, and renders."""

import pytest

from ops.access.identity import NotAllowedError
from ops.access.rights import RIGHTS
from ops.console.acts import ACTS, fields_of
from ops.console.page import all_pages
from ops.console.web.shown import make_templates, render
from tests.console_office import PEOPLE, InProcess

pytestmark = pytest.mark.slow

AROUND: dict[str, object] = {
    "me": None, "nav": [], "acts": {}, "name": "", "title": "", "organisation": "Trung tâm",
    "zone": "Asia/Ho_Chi_Minh", "csrf": "", "path": "/",
}  # fmt: skip


@pytest.mark.parametrize("name", list(all_pages()))
def test_a_page_opens_for_who_may_and_renders(office: InProcess, name: str) -> None:
    templates = make_templates()
    for person, roles in PEOPLE.items():
        if not RIGHTS[all_pages()[name].task] & set(roles):
            with pytest.raises(NotAllowedError):
                office.ask("page", person, page=name, arguments={})
            continue
        answer = office.ask("page", person, page=name, arguments={})
        values = {**AROUND, **answer, "data": answer["page"], "arguments": {}}
        assert "<h1>" in render(templates, f"pages/{name}.html", values)


def test_every_act_has_its_fields_and_its_right() -> None:
    for act in ACTS.values():
        assert fields_of(act) is not None
        assert act.task in RIGHTS
