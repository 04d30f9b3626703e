"""What holds for every test."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# On two busy cores a single example may take long; hanging tests end by pytest's own time limit.
settings.register_profile("giucong", deadline=None)
settings.load_profile("giucong")

# Shells start what runs in the background with this signal ignored, and every process below
# inherits that: tests of an interruption would wait for one that never comes.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Whatever starts processes or servers, or takes the whole way through the house.
_SLOW_PLACES = tuple(
    str(Path(__file__).parent / place)
    for place in ("fault", "integration", "interop", "unit/ops/tasks/test_commands.py")
)
_SLOW_VARIANT = "postgresql"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort tests into the slow part of `make test` by where they lie and what they run on."""
    for item in items:
        if str(item.path).startswith(_SLOW_PLACES) or _SLOW_VARIANT in item.name:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def soak_seconds(request: pytest.FixtureRequest) -> float:
    """Give this campaign's even share of the seconds that `make soak` was given."""
    sharers = [it for it in request.session.items if "soak_seconds" in _fixtures_of(it)]
    return float(os.environ.get("GIUCONG_SOAK_SECONDS", "600")) / len(sharers)


def _fixtures_of(item: pytest.Item) -> list[str]:
    return list(item.fixturenames) if isinstance(item, pytest.Function) else []
