"""Who may state that a duty was done: who answers for it."""

import pytest

from ops.access.rights import ROLES
from ops.duties.evidence.record import RECORDERS, decide_may_record
from ops.duties.table.load import SHIPPED_DUTIES, read_duties


@pytest.mark.parametrize(
    ("responsible", "roles", "may"),
    [
        ("security officer", ["operator", "backup_admin"], False),
        ("security officer", ["security_officer"], True),
        ("operator", ["security_officer"], False),
        ("operator", ["backup_admin"], True),
        ("head", ["operator"], False),
        ("head", ["approver"], True),
        ("nva", [], True),
        ("ttb", ["operator", "security_officer"], False),
    ],
)
def test_who_answers_for_a_duty_records_it(responsible: str, roles: list[str], may: bool) -> None:
    assert decide_may_record(responsible, "nva", roles) == may


def test_everybody_who_answers_for_a_shipped_duty_can_record_it() -> None:
    assert {it.responsible for it in read_duties((SHIPPED_DUTIES,)).duties} <= set(RECORDERS)
    assert set().union(*RECORDERS.values()) <= set(ROLES)
