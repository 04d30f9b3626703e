"""The fixtures of the OCFL project: each bad one must be refused, for the reason in its name."""

import re
from pathlib import Path

import pytest

from archive.ocfl.validate import Verdict, validate_object
from tests.conformance import CONFORMANCE

pytestmark = pytest.mark.conformance

FIXTURES = CONFORMANCE / "ocfl-fixtures"


def kind_of(verdict: Verdict) -> str:
    return "bad" if verdict.errors else "warn" if verdict.warnings else "good"


def names_of(kind: str) -> list[Path]:
    return sorted(FIXTURES.glob(f"1.[01]/{kind}-objects/*"))


@pytest.mark.parametrize(("kind", "count"), [("good", 22), ("warn", 27), ("bad", 107)])
def test_every_fixture_gets_its_verdict_and_every_code_of_its_name(kind: str, count: int) -> None:
    wrong = {}
    for fixture in names_of(kind):
        verdict = validate_object(fixture)
        codes = {it.code for it in verdict.findings}
        expected = set(re.findall(r"[EW]\d{3}", fixture.name)) if kind != "good" else set()
        if kind_of(verdict) != kind or not expected <= codes:
            wrong[str(fixture.relative_to(FIXTURES))] = (kind_of(verdict), sorted(codes))

    assert wrong == {}
    assert len(names_of(kind)) == count


def test_what_is_fine_for_the_scrub_is_what_is_fine() -> None:
    """Without the fixity block, only what it says is missed."""
    missed = {it.name for it in names_of("bad") if validate_object(it, with_fixity=False).is_valid}

    assert missed == {"E093_fixity_digest_mismatch"}
