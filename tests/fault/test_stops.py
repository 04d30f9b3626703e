"""Our process stopped at every store call in turn, and a store that fails at any call."""

from pathlib import Path

import pytest

from backup.stores.faulty import Effect, Fault
from tests.fault.campaign import CHANGES, STOPS, Campaign
from tests.fault.scenarios import SCENARIOS, Scenario
from tests.fault.world import make_world

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda it: it.name)
# In the sample, one call in so many gets a failure that is no stop.
_STRIDE = 23
_INTERRUPT_STRIDE = 2
INTERRUPTED = [it for it in SCENARIOS if "backup" in it.name or it.name in {"prune", "copy"}]
_SHORT = 3


@pytest.mark.slow
@each_scenario
def test_a_process_that_stops_at_any_call_harms_nothing(scenario: Scenario, tmp_path: Path) -> None:
    campaign = Campaign(scenario, make_world(), tmp_path)
    calls = campaign.count_calls()
    for at in range(1, len(calls) + 1):
        for effect in STOPS:
            campaign.stop(effect, at)
    assert campaign.tally["stops"] >= 2 * len(calls) - 2
    # Each change that took effect, and none at all, was proved to heal.
    assert campaign.tally["healed"] >= sum(call.method in CHANGES for call in calls)


@pytest.mark.slow
@each_scenario
def test_a_store_that_fails_at_some_calls_harms_nothing(scenario: Scenario, tmp_path: Path) -> None:
    campaign = Campaign(scenario, make_world(), tmp_path)
    calls = campaign.count_calls()
    for number, fault in enumerate(plan_failures(len(calls))):
        if number % _STRIDE == 0:
            campaign.fail(fault)
    assert campaign.tally["healed"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("scenario", INTERRUPTED, ids=lambda it: it.name)
def test_a_process_that_is_interrupted_harms_nothing(scenario: Scenario, tmp_path: Path) -> None:
    """It cleans up on its way out, and that must be as safe as dying."""
    campaign = Campaign(scenario, make_world(), tmp_path)
    calls = len(campaign.count_calls())
    for at in range(1, calls + 1, _INTERRUPT_STRIDE):
        campaign.interrupt(at)
    assert campaign.tally["interrupts"] > calls // _INTERRUPT_STRIDE // 2


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2))
@each_scenario
def test_stop_and_fail_at_every_call(scenario: Scenario, seed: int, tmp_path: Path) -> None:
    """In two worlds, of other contents and sizes."""
    campaign = Campaign(scenario, make_world(seed, scale=1 + seed), tmp_path, is_thorough=True)
    calls = campaign.count_calls()
    for at in range(1, len(calls) + 1):
        for effect in STOPS:
            campaign.stop(effect, at)
        campaign.interrupt(at)
    for fault in plan_failures(len(calls)):
        campaign.fail(fault)
    print(f"\n{scenario.name}, world {seed}: {len(calls)} calls; {dict(campaign.tally)}")
    assert campaign.tally["stops"] >= 2 * len(calls) - 2


def plan_failures(calls: int) -> list[Fault]:
    """Plan every failure of every call: errors, full stores, wrong answers; most do not apply."""
    plan = []
    for at in range(1, calls + 1):
        plan += [
            Fault(Effect.FAIL_BEFORE, at=at),
            Fault(Effect.FAIL_AFTER, at=at),
            Fault(Effect.FAIL_BEFORE, at=at, times=None),
            Fault(Effect.FULL, at=at, method="write", times=None),
            Fault(Effect.FULL, at=at, method="write"),
            Fault(Effect.FLIP_BIT, at=at, position=1_001 * at),
            Fault(Effect.SHORT_READ, at=at, position=_SHORT * at),
            Fault(Effect.OMIT, at=at, position=at),
            Fault(Effect.DUPLICATE, at=at, position=at),
        ]
    return plan
