"""Who refuses says that nothing was changed, but not where the act has done something before."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ops.access.session import at_bench
from ops.catalog.open import open_catalog
from ops.console.office.server import NothingHereError
from ops.errors import DONE, UNCHANGED, OpsError, WrongUseError, unknown
from ops.journal.journal import Entry, Origin, append
from ops.terminal.exit_codes import attempt
from tests.a_year import write_estate

REFUSALS: dict[type[WrongUseError], Callable[[], WrongUseError]] = {
    WrongUseError: lambda: unknown('there is no role "{name}"', "vua", ["viewer"]),
    NothingHereError: lambda: NothingHereError("there is no such page"),
}
"""One of each class that says so by itself."""


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_after_a_write_does_not_say_that_nothing_was_changed(
    tmp_path: Path, refusal: type[WrongUseError]
) -> None:
    raised: list[OpsError] = []

    def act(*, writes: bool) -> int:
        catalog = open_catalog(f"sqlite:///{tmp_path}/catalog.db")
        with catalog, catalog.writing() as session:
            append(session, Origin(via="cli"), [Entry("hold.placed")] * writes)
        raised.append(REFUSALS[refusal]())
        raise raised[-1]

    codes = [attempt(partial(act, writes=it)) for it in (False, True, False)]

    assert codes == [2, 2, 2]
    assert [it.data for it in raised] == [UNCHANGED, DONE, UNCHANGED]


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_a_bench_remembers_or_a_rehearsal_writes_was_not_changed(
    tmp_path: Path, *, dry_run: bool
) -> None:
    estate = write_estate(tmp_path, 1)
    with at_bench(estate):
        pass
    raised: list[OpsError] = []

    def act() -> int:
        with at_bench(write_estate(tmp_path, 2), dry_run=dry_run) as bench:
            if dry_run:
                bench.note("hold.placed", "cong-xa", {})
            raised.append(WrongUseError("nothing would change", next_step="say what is new"))
            raise raised[-1]

    assert attempt(act) == 2
    assert raised[0].data == UNCHANGED
