"""Which share of the packs stock restic checks tonight."""

from ops.backups.checks.witness import choose_share


def test_in_as_many_nights_as_there_are_shares_each_is_checked_once() -> None:
    earlier: list[int] = []
    for _night in range(30):
        earlier.append(choose_share(earlier, 30))

    assert sorted(earlier) == list(range(30))
    assert choose_share(earlier, 30) == 0


def test_a_share_that_was_not_sound_is_checked_again() -> None:
    assert choose_share([0, 1], 30) == choose_share([0, 1], 30) == 2
