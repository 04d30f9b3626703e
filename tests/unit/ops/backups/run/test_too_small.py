import pytest

from ops.backups.run.odd import NEEDED_RUNS, SECONDS, RunFigures, find_oddities

MEBIBYTE = 1 << 20


def runs(*seconds: float, size: int = 100 * MEBIBYTE) -> list[RunFigures]:
    return [RunFigures(it, {"databases/db.sqlite": size}) for it in seconds]


USUAL = runs(60, 62, 58, 61, 59, 64)


def measures(run: RunFigures, history: list[RunFigures]) -> list[str]:
    return [oddity.measure for oddity in find_oddities(run, history)]


def test_a_run_like_those_before_is_not_odd() -> None:
    assert measures(RunFigures(57, {"databases/db.sqlite": 99 * MEBIBYTE}), USUAL) == []


def test_an_empty_dump_is_odd_however_long_it_took() -> None:
    (oddity,) = find_oddities(RunFigures(60, {"databases/db.sqlite": 4096}), USUAL)

    assert (oddity.measure, oddity.value, oddity.runs) == ("databases/db.sqlite", 4096, 6)
    assert oddity.value < oddity.lowest < oddity.typical == 100 * MEBIBYTE


def test_a_run_that_is_over_at_once_is_odd() -> None:
    run = RunFigures(2, {"databases/db.sqlite": 100 * MEBIBYTE})

    assert measures(run, USUAL) == [SECONDS]


def test_nothing_is_judged_before_five_good_runs() -> None:
    run = RunFigures(0.1, {"databases/db.sqlite": 0})

    assert measures(run, USUAL[: NEEDED_RUNS - 1]) == []
    assert measures(run, USUAL[:NEEDED_RUNS]) == [SECONDS, "databases/db.sqlite"]


def test_a_part_that_is_new_is_not_judged_by_others() -> None:
    assert measures(RunFigures(60, {"files/www": 0}), USUAL) == []


def test_times_of_a_few_seconds_say_nothing() -> None:
    assert measures(RunFigures(0.2), runs(5, 6, 5, 7, 5)) == []


def test_what_varies_much_may_vary_again() -> None:
    assert measures(RunFigures(25, {"databases/db.sqlite": 100 * MEBIBYTE}),
                    runs(30, 300, 60, 600, 100, 45)) == []  # fmt: skip


def test_what_a_person_has_accepted_before_is_never_odd() -> None:
    history = [*runs(*[60] * 10), *runs(60, size=10 * MEBIBYTE)]

    assert measures(RunFigures(60, {"databases/db.sqlite": 10 * MEBIBYTE}), history) == []


@pytest.mark.parametrize("size", [0, 1])
def test_a_part_that_was_always_empty_may_stay_so(size: int) -> None:
    assert measures(RunFigures(60, {"databases/db.sqlite": 0}), runs(*[60] * 6, size=size)) == []


def test_figures_are_read_from_a_summary_of_any_version() -> None:
    assert RunFigures.from_summary({}) == RunFigures(0.0, {})
    assert RunFigures.from_summary({"seconds": 2, "parts": {"a": 1}}) == RunFigures(2.0, {"a": 1})
