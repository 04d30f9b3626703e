"""A document is made once for all who look, anew when it is old, and at once after an act."""

import threading
import time

import pytest

from ops.console.office.desk import FRESH_SECONDS, STALE_SECONDS, Documents, key_of


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Maker:
    """Counts how often it has made the document."""

    def __init__(self) -> None:
        self.made = 0
        self.fails = False
        self.began = threading.Event()

    def __call__(self) -> dict[str, int]:
        self.began.set()
        if self.fails:
            raise LookupError
        self.made += 1
        return {"made": self.made}


def wait_for(maker: Maker, count: int) -> None:
    until = time.monotonic() + 10
    while maker.made < count:
        assert time.monotonic() < until
        time.sleep(0.005)


def test_a_young_document_is_given_as_it_is() -> None:
    clock, maker = Clock(), Maker()
    documents = Documents(clock)
    assert documents.get("a", maker) == {"made": 1}
    clock.now += FRESH_SECONDS / 2
    assert documents.get("a", maker) == {"made": 1}


def test_an_older_one_is_given_while_it_is_made_anew_aside() -> None:
    clock, maker = Clock(), Maker()
    documents = Documents(clock)
    documents.get("a", maker)
    clock.now += FRESH_SECONDS + 1
    assert documents.get("a", maker) == {"made": 1}
    wait_for(maker, 2)
    until = time.monotonic() + 10
    while documents.get("a", maker) != {"made": 2}:
        assert time.monotonic() < until
    assert maker.made == 2


def test_one_that_is_too_old_is_waited_for() -> None:
    clock, maker = Clock(), Maker()
    documents = Documents(clock)
    documents.get("a", maker)
    clock.now += STALE_SECONDS
    assert documents.get("a", maker) == {"made": 2}


def test_after_an_act_the_next_one_waits_for_a_new_one() -> None:
    maker = Maker()
    documents = Documents(Clock())
    documents.get("a", maker)
    documents.forget()
    assert documents.get("a", maker) == {"made": 2}


def test_what_was_begun_before_an_act_is_kept_for_nobody() -> None:
    documents = Documents(Clock())

    def make() -> str:
        documents.forget()  # the act ends meanwhile
        return "before"

    assert documents.get("a", make) == "before"
    assert documents.get("a", lambda: "after") == "after"


def test_what_fails_aside_is_told_to_who_looks_next() -> None:
    clock, maker = Clock(), Maker()
    documents = Documents(clock)
    documents.get("a", maker)
    clock.now += FRESH_SECONDS + 1
    maker.fails = True
    maker.began.clear()
    assert documents.get("a", maker) == {"made": 1}
    assert maker.began.wait(10)
    until = time.monotonic() + 10
    while documents._kept:
        assert time.monotonic() < until
    with pytest.raises(LookupError):
        documents.get("a", maker)


def test_many_at_once_have_it_made_once() -> None:
    clock, lock, made = Clock(), threading.Lock(), []

    def make() -> dict[str, int]:
        time.sleep(0.05)
        with lock:
            made.append(1)
        return {}

    documents = Documents(clock)
    people = [threading.Thread(target=documents.get, args=("a", make)) for _number in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert len(made) == 1


def test_flags_and_language_tell_documents_apart() -> None:
    keys = {key_of("a.b", flags, language) for flags in ({}, {"all": True}) for language in "ve"}
    assert len(keys) == 4


def test_locks_do_not_outlive_what_they_are_for() -> None:
    """Each flag that somebody makes up is another key."""
    documents = Documents()

    def fail() -> None:
        raise LookupError

    for number in range(50):
        documents.get(("kept", number), dict)
        with pytest.raises(LookupError):
            documents.get(("fails", number), fail)
    documents.forget()
    assert len(documents._locks) == 0
