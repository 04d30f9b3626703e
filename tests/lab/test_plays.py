"""The short plays, in a lab of their own: the service's machine, hosts and stores beside it."""

from pathlib import Path

import pytest

from tests.installed_machine import only_root
from tests.lab.lab import lab
from tests.lab.people import ROLES
from tests.lab.play import list_short, run_play

# One lab for all plays: `make test` runs tests in several processes, each would boot its own.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@only_root
def test_the_short_plays_are_as_they_must_be(tmp_path: Path) -> None:
    with lab(tmp_path / "lab") as up:
        assert len({up.ops.people[it].secret for it in ROLES}) == len(ROLES)
        for name in list_short():
            run_play(name, up)
