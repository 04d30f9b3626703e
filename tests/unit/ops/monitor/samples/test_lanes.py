"""Who does not answer delays nobody, and is not asked twice at once."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ops.monitor.samples.sampler import Lanes

LONG = 60.0


@pytest.fixture
def lanes() -> Iterator[Lanes[str]]:
    made: Lanes[str] = Lanes(lambda answer: answer == "well", width=4)
    yield made
    made.close()


class Dead:
    """Somebody who answers only when the test lets them."""

    def __init__(self, answer: str = "ill") -> None:
        self.answer = answer
        self.asked = 0
        self.may_answer = threading.Event()

    def __call__(self) -> str:
        self.asked += 1
        assert self.may_answer.wait(LONG)
        return self.answer


def test_those_who_answer_are_there_while_others_hang(lanes: Lanes[str]) -> None:
    dead = Dead()
    answered = threading.Semaphore(0)

    def well() -> str:
        answered.release()
        return "well"

    found: list[dict[str, str]] = []
    visits: dict[str, Callable[[], str]] = {f"w{n}": well for n in range(20)}
    visits["dead"] = dead
    round_ = threading.Thread(
        target=lambda: found.append(lanes.visit(visits, time.monotonic() + LONG))
    )
    round_.start()
    for _ in range(20):
        assert answered.acquire(timeout=LONG)  # the dead one has a place, and no other is kept
    assert not dead.may_answer.is_set()
    dead.may_answer.set()
    round_.join()

    assert found == [{"dead": "ill", **{f"w{n}": "well" for n in range(20)}}]


def test_a_round_ends_without_those_who_hang_and_they_are_asked_once(lanes: Lanes[str]) -> None:
    dead = [Dead() for _ in range(4)]  # all places of the lane
    names = {f"d{n}": it for n, it in enumerate(dead)}
    assert lanes.visit(names, time.monotonic()) == {}
    while sum(it.asked for it in dead) < 4:
        time.sleep(0.01)

    assert lanes.visit(names, time.monotonic()) == {}
    assert [it.asked for it in dead] == [1, 1, 1, 1]
    for it in dead:
        it.may_answer.set()
    found: dict[str, str] = {}
    while len(found) < 4:
        found |= lanes.visit(names, time.monotonic() + LONG)
    assert set(found.values()) == {"ill"}


def test_those_who_were_ill_have_a_lane_of_their_own(lanes: Lanes[str]) -> None:
    """Four are dead, as many as there are places: in the next round nobody waits for them."""
    dead = {f"d{n}": Dead() for n in range(4)}
    for it in dead.values():
        it.may_answer.set()
    assert len(lanes.visit(dead, time.monotonic() + LONG)) == 4
    for it in dead.values():
        it.may_answer.clear()
    answered = threading.Event()

    def well() -> str:
        answered.set()
        return "well"

    visits = {**dead, "well": well}
    round_ = threading.Thread(target=lanes.visit, args=(visits, time.monotonic() + LONG))
    round_.start()
    assert answered.wait(LONG)
    for it in dead.values():
        it.may_answer.set()
    round_.join()


def test_who_is_no_more_is_forgotten(lanes: Lanes[str]) -> None:
    dead = Dead()
    assert lanes.visit({"gone": dead}, time.monotonic()) == {}
    assert lanes.visit({}, time.monotonic()) == {}
    dead.may_answer.set()
