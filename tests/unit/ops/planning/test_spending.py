"""A hand-made item says no law that nobody stated: the rules of the day do, or it is asked."""

from datetime import date

import pytest

from ops.planning.item import Item
from ops.planning.spending import follow_rules
from ops.planning.typed import change_item

TODAY = date(2026, 11, 29)
BLANK = Item(group="duy-tri", title="x", use="", clause="", form="")


@pytest.mark.parametrize(
    ("typed", "clause", "form", "recurrent"),
    [
        ({"group": "dau-tu", "unit_price": "20000000000"}, "dau-tu", "65.2", False),
        ({"group": "dau-tu"}, "", "", None),
        ({"group": "dau-tu", "unit_price": "20000000000", "form": "65.3"}, "dau-tu", "65.3", True),
        ({"group": "nang-cap", "unit_price": "900000000"}, "", "", None),
        ({"group": "bao-duong"}, "34.4", "", True),
    ],
)
def test_a_typed_item_has_the_law_of_the_rules_and_no_other(
    typed: dict[str, str], clause: str, form: str, recurrent: bool | None
) -> None:
    item = follow_rules(BLANK, change_item(BLANK, typed), typed, TODAY)

    assert (item.clause, item.form, item.is_recurrent, item.use) == (clause, form, recurrent, "")
    assert "use" in item.unsaid


def test_another_group_asks_anew_and_another_price_keeps_what_a_person_said() -> None:
    repair = Item(group="sua-chua", title="x", unit_price=50_000_000, is_recurrent=True)
    typed = {"group": "dau-tu"}
    project = follow_rules(repair, change_item(repair, typed), typed, TODAY)
    assert (project.clause, project.form, project.is_recurrent) == ("dau-tu", "65.2", False)

    typed = {"group": "dau-tu", "clause": "34.4", "form": "65.1"}  # as the page sends it
    assert follow_rules(repair, change_item(repair, typed), typed, TODAY) == project

    typed = {"unit_price": "60000000"}
    dearer = follow_rules(repair, change_item(repair, typed), typed, TODAY)
    assert (dearer.clause, dearer.form) == ("34.4", "65.1")


def test_no_decree_is_told_before_its_day() -> None:
    typed = {"group": "dau-tu", "unit_price": "20000000000"}
    item = follow_rules(BLANK, change_item(BLANK, typed), typed, date(2025, 11, 1))

    assert (item.clause, item.form, item.is_recurrent) == ("", "", None)
