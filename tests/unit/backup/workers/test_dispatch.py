"""Workers that share messages out, and how long they are waited for."""

from collections.abc import Iterator

import pytest

from backup.workers.dispatch import Crew
from backup.workers.processes import Pool

pytestmark = pytest.mark.slow

TARGET = "tests.unit.backup.workers.worker_targets:echo"


@pytest.fixture
def crew() -> Iterator[Crew]:
    pool = Pool(TARGET, width=1)
    made = Crew(pool)
    yield made
    made.kill()


def test_nobody_is_waited_for_longer_than_asked(crew: Crew) -> None:
    """The worker has not been told its setup, so it will never answer."""
    assert list(crew.poll(0.01)) == []


def test_it_is_done_when_all_has_been_answered() -> None:
    pool = Pool(TARGET, ("pack",), width=2)  # the first word counts as a report
    crew = Crew(pool)
    assert crew.is_done
    crew.submit(("chunks",))
    crew.begin_flush()
    heard: list[str] = []
    while not crew.is_done:
        heard += [message[0] for message in crew.poll(None)]
    assert sorted(word for word in heard if word != "pack") == ["chunks", "flush", "flush"]
    crew.kill()
