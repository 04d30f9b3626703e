"""The watch on generated histories: what it must catch, and how often it cries wolf.

Stated rate: over the 12 000 ordinary nights generated below, upgrades, uploads and clean-ups among
them, no false alarm; of 1 200 nights of encryption every one is caught once a twentieth of a site
is hit.
"""

import random
from collections.abc import Callable
from dataclasses import asdict

import pytest

from ops.backups.ransomware.verdict import (
    ENCRYPTED,
    FEWEST_FILES,
    HARDENED,
    LEARNT_FROM,
    LOST,
    RELABELLED,
    ChangeFigures,
    judge_change,
)
from ops.estate.model.policies import Watch

Night = Callable[[random.Random, int], ChangeFigures]
BOUNDS = Watch()
SIZES = (60, 400, 3_000, 40_000)


def ordinary(chance: random.Random, files: int) -> ChangeFigures:
    """Editors write, caches come and go, and now and then a file is one that ends in noise."""
    changed = min(int(chance.expovariate(1 / 12)), files // 3)
    added, removed = int(chance.expovariate(1 / 8)), min(int(chance.expovariate(1 / 3)), files // 4)
    samples = min(changed + added, 32)
    return ChangeFigures(
        files=files, changed=changed, added=added, removed=removed, samples=samples,
        sealed=sum(chance.random() < 0.01 for _ in range(samples)),
        hardened=int(changed * 0.02),
    )  # fmt: skip


def upgrade(chance: random.Random, files: int) -> ChangeFigures:
    """A new version of the CMS: most programs change, many are new, some are gone."""
    changed = int(files * chance.uniform(0.3, 0.95))
    return ChangeFigures(
        files=files, changed=changed, added=int(files * 0.2), removed=int(files * 0.1),
        new_bytes=changed * 9_000, new_packed_bytes=changed * 2_500, samples=32, sealed=0,
    )  # fmt: skip


def upload(chance: random.Random, files: int) -> ChangeFigures:
    """A folder of pictures and films, some under an extension nobody knew here."""
    added = int(files * chance.uniform(0.5, 6))
    return ChangeFigures(
        files=files, added=added, new_bytes=added * 4_000_000, new_packed_bytes=added * 4_000_000,
        samples=32, sealed=chance.randrange(3), extension="heic", strange=added,
    )  # fmt: skip


def vault(_chance: random.Random, files: int) -> ChangeFigures:
    """Somebody stores encrypted archives: they are new, and nothing old has changed."""
    return ChangeFigures(files=files, added=files, samples=32, sealed=32)


def rotation(chance: random.Random, files: int) -> ChangeFigures:
    """Logs are compressed and get `.gz` at their end; their beginning says what they are."""
    count = min(chance.randrange(4, 20), files // 12)
    return ChangeFigures(
        files=files, changed=2, added=count, removed=count, renamed=0, hardened=count,
        samples=min(count + 2, 32), sealed=0,
    )  # fmt: skip


def clean_up(chance: random.Random, files: int) -> ChangeFigures:
    """An old theme and the pictures of years ago go."""
    return ChangeFigures(files=files, changed=3, removed=int(files * chance.uniform(0.05, 0.35)))


def put_back(_chance: random.Random, files: int) -> ChangeFigures:
    """After an attack everything is restored: all files change, into what compresses again."""
    return ChangeFigures(files=files, changed=files, samples=32, sealed=0)


def encryption(
    share: float, *, seen: float = 1.0, hard: float = 0.6, suffix: str = ""
) -> Callable[[random.Random, int], ChangeFigures]:
    """A share of the files is encrypted; `seen` of the samples betray it."""

    def night(chance: random.Random, files: int) -> ChangeFigures:
        hit = max(int(files * share), 1)
        usual = ordinary(chance, files)
        touched = hit + usual.changed + usual.added
        samples = min(touched, 32)
        odds = seen * hit / touched
        return ChangeFigures(
            files=files,
            changed=usual.changed + (0 if suffix else hit),
            added=usual.added + (hit if suffix else 0),
            removed=usual.removed + (hit if suffix else 0),
            renamed=hit if suffix else 0,
            samples=samples,
            sealed=sum(chance.random() < odds for _ in range(samples)),
            hardened=int(hit * hard),
            extension=suffix, strange=hit if suffix else 0,
        )  # fmt: skip

    return night


def measures(figures: ChangeFigures, history: list[ChangeFigures]) -> set[str]:
    return {it.measure for it in judge_change(figures, history, BOUNDS)}


def past(chance: random.Random, files: int, nights: int) -> list[ChangeFigures]:
    return [ordinary(chance, files) for _ in range(nights)]


@pytest.mark.slow
def test_of_twelve_thousand_ordinary_nights_none_is_an_alarm() -> None:
    chance, alarms, nights = random.Random(7), [], 0
    rare: tuple[Night, ...] = (upgrade, upload, vault, rotation, clean_up, put_back)
    for files in SIZES:
        for _ in range(30):
            history: list[ChangeFigures] = []
            for number in range(100):
                night = chance.choice(rare) if chance.random() < 0.05 else ordinary
                figures = night(chance, files)
                if found := judge_change(figures, history[-LEARNT_FROM:], BOUNDS):
                    alarms.append((files, number, night.__name__, found))
                history.append(figures)
                nights += 1
    assert nights == 12_000
    assert alarms == []


@pytest.mark.parametrize("night", [ordinary, upgrade, upload, vault, clean_up, put_back, rotation])
@pytest.mark.parametrize("nights", [0, 30])
@pytest.mark.parametrize("files", SIZES)
def test_what_happens_to_every_site_is_no_alarm(night: Night, nights: int, files: int) -> None:
    chance = random.Random(files + nights)
    for _ in range(20):
        figures = night(chance, files)
        assert measures(figures, past(chance, files, nights)) == set(), figures


@pytest.mark.parametrize("nights", [0, 6, 7, 30])
@pytest.mark.parametrize("files", SIZES)
@pytest.mark.parametrize(
    "night",
    [
        pytest.param(encryption(0.9), id="in place"),
        pytest.param(encryption(0.9, suffix="locked"), id="renamed"),
        pytest.param(encryption(0.4, hard=0.0), id="pictures"),
        pytest.param(encryption(0.95, seen=0.5), id="half of it unseen"),
    ],
)
def test_encrypted_files_are_caught_on_any_night(night: Night, files: int, nights: int) -> None:
    chance = random.Random(files)
    for _ in range(20):
        assert ENCRYPTED in measures(night(chance, files), past(chance, files, nights))


@pytest.mark.parametrize("files", SIZES[1:])
def test_a_twentieth_of_a_site_is_caught_once_its_past_is_known(files: int) -> None:
    chance = random.Random(files)
    caught = [
        bool(measures(encryption(0.05)(chance, files), past(chance, files, 30))) for _ in range(400)
    ]
    assert sum(caught) == len(caught)


def test_files_that_betray_nothing_at_their_beginning_lose_their_compressibility() -> None:
    chance = random.Random(3)
    figures = encryption(0.9, seen=0.0, hard=0.8)(chance, 400)
    assert measures(figures, past(chance, 400, 30)) == {HARDENED}


def test_names_alone_are_enough() -> None:
    figures = ChangeFigures(files=400, added=300, removed=300, renamed=300, strange=300)
    assert measures(figures, []) == {RELABELLED}
    assert measures(figures, past(random.Random(1), 400, 30)) == {RELABELLED}


@pytest.mark.parametrize(("removed", "expected"), [(390, {LOST}), (100, set())])
def test_a_site_that_is_emptied_is_an_alarm(removed: int, expected: set[str]) -> None:
    assert measures(ChangeFigures(files=400, removed=removed), []) == expected


def test_files_that_others_took_the_place_of_are_not_lost() -> None:
    assert measures(ChangeFigures(files=400, removed=390, added=390), []) == set()


def test_a_handful_of_files_never_counts() -> None:
    few = FEWEST_FILES - 1
    figures = ChangeFigures(files=few, changed=few, hardened=few, samples=few, sealed=few)
    assert measures(figures, []) == set()


def test_the_bound_is_learnt_from_a_site_that_changes_much_and_says_so() -> None:
    chance = random.Random(2)
    busy = [
        ChangeFigures(files=1_000, changed=chance.randrange(200, 300), samples=32, sealed=4)
        for _ in range(30)
    ]
    usual = ChangeFigures(files=1_000, changed=300, samples=32, sealed=4)
    (signal,) = judge_change(
        ChangeFigures(files=1_000, changed=900, samples=32, sealed=30), busy, BOUNDS
    )
    assert judge_change(usual, busy, BOUNDS) == []
    assert (signal.measure, signal.runs, signal.files) == (ENCRYPTED, 30, 844)
    assert 0.03 < signal.bound < 0.2


def test_no_past_makes_the_loss_of_nearly_everything_usual() -> None:
    wild = [ChangeFigures(files=100, removed=count) for count in (0, 100) * 15]
    assert measures(ChangeFigures(files=100, removed=95), wild) == {LOST}


def test_figures_of_other_versions_are_read_as_far_as_they_are_known() -> None:
    values = asdict(ChangeFigures(files=3, changed=2))
    assert ChangeFigures.from_values({**values, "later": 1}) == ChangeFigures(files=3, changed=2)
    assert ChangeFigures.from_values({}) == ChangeFigures(files=0)
