"""The rotation over years of nights: failures, a service that is down, sites that come and go."""

import random
import time as clock
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.drills.rotation.needs import DutyLine, OpenFinding, PastDrill, RotationFacts, list_lines
from ops.drills.rotation.rotation import FINDING, Need, choose_next, plan_rotation
from ops.duties.table.load import SHIPPED_DUTIES, SHIPPED_HOLIDAYS, read_calendar, read_duties

DUTIES = read_duties((SHIPPED_DUTIES,)).duties
CALENDAR = read_calendar((SHIPPED_HOLIDAYS,))
BEGIN = date(2026, 12, 1)
DAY = timedelta(days=1)
MOST_A_NIGHT = 40
STORES = ("near", "offsite")


@dataclass
class World:
    """An estate through time, and who does as the rotation says."""

    chance: random.Random
    failing: float
    levels: Mapping[str, int]
    since: dict[str, date] = field(default_factory=dict)
    systems: dict[str, str | None] = field(default_factory=dict)
    drills: list[PastDrill] = field(default_factory=list)
    findings: list[OpenFinding] = field(default_factory=list)
    lines: tuple[date, list[DutyLine]] | None = None

    def add(self, site: str, system: str | None, day: date) -> None:
        self.since[site], self.systems[site] = day, system
        self.lines = None

    def retire(self, site: str) -> None:
        del self.since[site], self.systems[site]
        self.lines = None

    def document(self) -> dict[str, Any]:
        return {
            "systems": [{"name": name, "level": level} for name, level in self.levels.items()],
            "sites": [
                {"name": it, "role": "main" if it == "cong" else "component", "system": system}
                for it, system in self.systems.items()
            ],
        }

    def facts(self, today: date) -> RotationFacts:
        if self.lines is None or self.lines[0] != today:
            found = list_lines(DUTIES, self.document(), CALENDAR, self.since, today)
            self.lines = (today, found)
        stores = dict.fromkeys(self.since, STORES)
        findings = [it for it in self.findings if it.site in self.since]
        return RotationFacts(
            today=today, lines=self.lines[1], drills=self.drills, findings=findings, stores=stores
        )

    def run(self, entry: Need, day: date, number: int) -> None:
        """Run what was chosen; whatever happens, it is written down."""
        choice = entry.choice
        assert choice is not None
        moment = datetime.combine(day, time(22), UTC) + timedelta(minutes=number)
        outcome = "ok"
        if self.chance.random() < self.failing:
            outcome = self.chance.choice(("failed", "incomplete", ""))
        done = PastDrill(
            site=choice.site, scope=choice.scope, engine=choice.engine, at=moment,
            outcome=outcome, from_paper=choice.from_paper, store=choice.store, path=choice.path,
        )  # fmt: skip
        self.drills.append(done)
        self.settle(done, day)

    def settle(self, done: PastDrill, day: date) -> None:
        """Open or close findings, as a conclusion does."""
        same = [it for it in self.findings if (it.site, it.scope, it.engine, it.store)
                == (done.site, done.scope, done.engine, done.store)]  # fmt: skip
        if done.is_good:
            self.findings = [it for it in self.findings if it not in same]
        elif done.outcome and not same:
            self.findings.append(
                OpenFinding(
                    id=str(len(self.drills)), site=done.site, scope=done.scope,
                    engine=done.engine, from_paper=False, store=done.store, opened_on=day,
                    due_on=day + 14 * DAY,
                )
            )  # fmt: skip

    def pass_night(self, day: date) -> list[Need]:
        """Ask and run one after the other, as the service does; gives what was run."""
        ran: list[Need] = []
        while len(ran) < MOST_A_NIGHT:
            entry = choose_next(plan_rotation(self.facts(day)))
            if entry is None:
                return ran
            assert_oldest_first(entry, self.facts(day))
            self.run(entry, day, len(ran))
            ran.append(entry)
        return ran


def newest_good(drills: Sequence[PastDrill], site: str, scope: str) -> datetime:
    good = [it.at for it in drills if it.site == site and it.scope == scope and it.is_good]
    return max(good, default=datetime.min.replace(tzinfo=UTC))


def line_of(entry: Need, facts: RotationFacts) -> DutyLine:
    (found,) = [it for it in facts.lines if (it.duty, it.subject) == (entry.duty, entry.subject)]
    return found


def assert_oldest_first(entry: Need, facts: RotationFacts) -> None:
    """No site is chosen before one that was drilled longer ago, unless that failed lately."""
    if entry.finding or entry.choice is None:
        return
    chosen, scope = entry.choice.site, entry.choice.scope
    mine = newest_good(facts.drills, chosen, scope)
    for site in line_of(entry, facts).sites:
        good = newest_good(facts.drills, site, scope)
        week = facts.today - 7 * DAY
        failed_lately = any(
            it.site == site and it.scope == scope and not it.is_good and it.day > week
            for it in facts.drills
        )
        assert mine <= good or failed_lately


def unproven(line: DutyLine, drills: Sequence[PastDrill], today: date) -> bool:
    """Say whether the period that ended last was known to the service, and brought nothing good."""
    last = line.last
    if last is None or line.known > last.since:
        return False
    good = [it.day for it in drills if it.site in line.sites and it.meets(line.wanted)
            and it.is_good]  # fmt: skip
    return today > last.due_on and not any(day >= last.since for day in good)


def assert_nothing_forgotten(world: World, today: date) -> None:
    """Each need stands in the plan once; what was not done in its period is called overdue."""
    facts = world.facts(today)
    entries = plan_rotation(facts)
    found = {(it.duty, it.subject): it for it in entries if not it.finding}

    assert set(found) == {(it.duty, it.subject) for it in facts.lines}
    assert len(found) + len(facts.findings) == len(entries)
    for line in facts.lines:
        entry = found[line.duty, line.subject]
        assert (entry.state == "overdue") >= unproven(line, world.drills, today)
        # Since it is known, or its last good drill, never longer than two periods without a word.
        good = [it.day for it in world.drills
                if it.site in line.sites and it.meets(line.wanted) and it.is_good]  # fmt: skip
        quiet = today - max([line.known, *good])
        length = max(it.due_on - it.since for it in (line.last, line.current) if it) + DAY
        assert entry.state == "overdue" or quiet <= 2 * length


FAILING = (0.0, 0.1, 0.5, 1.0)
DOWN = (0.0, 0.2, 0.7)
worlds = {
    "seed": st.integers(0, 2**32),
    "sites": st.integers(1, 7),
    "failing": st.sampled_from(FAILING),
    "down": st.sampled_from(DOWN),
}


def live(seed: int, sites: int, failing: float, down: float, days: int) -> None:
    """Live through so many days, and look every fifth whether anything is forgotten."""
    chance = random.Random(seed)
    world = World(chance, failing, {"cong": 3, "thuong": 2, "nang": 4})
    world.add("cong", "cong", BEGIN)
    for number in range(sites):
        world.add(f"xa-{number}", chance.choice((None, "thuong", "nang")), BEGIN)
    asleep_until = BEGIN
    for passed in range(1, days):
        day = BEGIN + passed * DAY
        change = chance.random()
        if change < 0.01:
            world.add(f"moi-{passed}", chance.choice((None, "thuong")), day)
        elif change < 0.015 and len(world.since) > 2:
            world.retire(chance.choice([it for it in world.since if it != "cong"]))
        elif change < 0.015 + down / 50:
            asleep_until = day + chance.randrange(60) * DAY
        if day >= asleep_until and passed % 2:
            world.pass_night(day)
        if passed % 5 == 0:
            assert_nothing_forgotten(world, day)


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(**worlds)
def test_nothing_is_ever_forgotten(seed: int, sites: int, failing: float, down: float) -> None:
    live(seed, sites, failing, down, 460)


@pytest.mark.soak
def test_nothing_is_forgotten_in_years(soak_seconds: float) -> None:
    until = clock.monotonic() + soak_seconds
    lived: Counter[float] = Counter()
    while clock.monotonic() < until or not lived:
        seed = random.SystemRandom().randrange(2**32)
        chance = random.Random(seed)
        sites, failing, down = chance.randint(1, 7), chance.choice(FAILING), chance.choice(DOWN)
        print(f"\nlive({seed}, {sites}, {failing}, {down}, 1_500)", end="", flush=True)
        live(seed, sites, failing, down, 1_500)
        lived[failing] += 1
    print(f"\n{lived.total()} worlds of 1 500 days, by share of failures: {dict(lived)}")


def of_duty(entries: Sequence[Need], duty: str, subject: str = "") -> Need:
    (found,) = [it for it in entries if (it.duty, it.subject) == (duty, subject)]
    return found


@pytest.mark.slow
@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_without_failures_nothing_is_late_and_each_site_comes(seed: int) -> None:
    world = World(random.Random(seed), 0.0, {"cong": 3})
    world.add("cong", "cong", BEGIN)
    for number in range(6):
        world.add(f"xa-{number}", None, BEGIN)
    for days in range(1, 400):
        today = BEGIN + days * DAY
        world.pass_night(today)
        late = [it for it in plan_rotation(world.facts(today)) if it.state == "overdue"]
        assert {it.duty for it in late} <= {"drill-from-paper"}
    whole = [it for it in world.drills if it.scope == "site"]
    files = [it for it in world.drills if it.scope == "file"]
    assert len(files) in range(55, 60)
    assert {it.site for it in files} == set(world.since)
    assert max(sum(it.site == site for it in files) for site in world.since) <= 9
    assert sum(it.site == "cong" and it.engine == "ours" for it in whole) >= 2
    assert {(it.site, it.engine) for it in whole} == {
        (site, engine) for site in world.since for engine in ("ours", "restic")
    }
    assert sum(it.engine == "restic" for it in whole) * 3 >= len(whole) - 2
    assert {it.store for it in whole} == set(STORES)


@pytest.mark.parametrize("outcome", ["failed", "incomplete", "not_checked", "skipped", ""])
def test_what_did_not_go_well_does_not_count(outcome: str) -> None:
    world = World(random.Random(1), 0.0, {})
    world.add("xa", None, BEGIN)
    today = date(2027, 2, 20)
    at = datetime(2027, 2, 19, 22, tzinfo=UTC)
    done = PastDrill(site="xa", scope="site", engine="ours", at=at, outcome="ok")
    world.drills = [done]
    before = of_duty(plan_rotation(world.facts(today)), "drill-component-site")
    world.drills = [replace(done, outcome=outcome)]
    after = of_duty(plan_rotation(world.facts(today)), "drill-component-site")

    assert (before.state, before.due_on) == ("ahead", date(2027, 3, 31))
    assert (after.state, after.due_on, after.tries) == ("overdue", date(2027, 1, 31), 1)


def test_a_finding_comes_first_as_the_same_drill_from_the_same_copy() -> None:
    world = World(random.Random(1), 0.0, {})
    for site in ("xa", "cong"):
        world.add(site, None, BEGIN)
    today = date(2027, 6, 1)
    world.findings = [
        OpenFinding(
            id="f", site="cong", scope="file", engine="ours", from_paper=False, store="offsite",
            opened_on=today - DAY, due_on=today + 9 * DAY, path="/cong/files/a",
        )
    ]  # fmt: skip
    entry = choose_next(plan_rotation(world.facts(today)))

    assert entry is not None
    assert entry.duty == FINDING
    choice = entry.choice
    assert choice is not None
    assert (choice.site, choice.scope, choice.store, choice.path) == (
        "cong", "file", "offsite", "/cong/files/a",
    )  # fmt: skip
