"""What holds for every test."""

import gc
import os
import re
import signal
from pathlib import Path

import pytest
from hypothesis import settings

import ops.wiring  # noqa: F401 - tests use rooms as each process of ours does, with their parts given
from ops.terminal.output import BORDER
from ops.terminal.printer import Printer
from tests import conformance

BORDER.set(Printer())  # a test that calls an act stands for who runs it

# What collecting tests brings into memory stays there to the end; to look again and again whether
# it could go takes a sixth of the collecting, and a pause in the midst of any test.
gc.disable()

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
    for place in ("fault", "integration", "interop", "unit/ops/cli/test_commands.py")
)
# How a module says that all its tests are slow.
_ALL_SLOW = re.compile(r"^pytestmark = \[?\s*pytest\.mark\.slow\b", re.MULTILINE)
# What measures is proved where it measures, by `make bench`.
_WITH_THE_BENCH = Path(__file__).parent / "unit" / "bench"
# What of a test that runs in several ways starts a server or processes.
_SLOW_WAYS = frozenset({"postgresql", "ssh", "two workers", "sockets"})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort tests into the slow part of `make test` by where they lie and what they run on.

    Those with the longest limits come first: begun last, they would run on when all else is done.
    """
    if conformance.is_left_out():
        left_out = [it for it in items if it.get_closest_marker("conformance")]
        items[:] = [it for it in items if it not in left_out]
        config.hook.pytest_deselected(items=left_out)
    for item in items:
        if str(item.path).startswith(_SLOW_PLACES) or _ways_of(item) & _SLOW_WAYS:
            item.add_marker(pytest.mark.slow)
    items.sort(key=_limit_of, reverse=True)


def pytest_collection_finish() -> None:
    """Begin to look for what can go, among what tests make."""
    gc.freeze()
    gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave unread what is slow as a whole where only fast tests are wanted, and the bench's."""
    if collection_path == _WITH_THE_BENCH and config.option.markexpr:
        return True
    if not config.option.markexpr.startswith("not slow"):
        return None
    is_slow_place = str(collection_path).startswith(_SLOW_PLACES)
    return True if is_slow_place or _is_slow_module(collection_path) else None


def _is_slow_module(path: Path) -> bool:
    is_test = path.name.startswith("test_") and path.suffix == ".py"
    return is_test and _ALL_SLOW.search(path.read_text(encoding="utf-8")) is not None


def _limit_of(item: pytest.Item) -> float:
    """Seconds that a test is given where it needs more than others; 0 where it does not."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else 0.0


def _ways_of(item: pytest.Item) -> set[str]:
    """The names of the parameters that a test has in this variant."""
    return set(item.callspec.id.split("-")) if hasattr(item, "callspec") else set()


@pytest.fixture(params=["here", "sockets"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a module's `restore_snapshot` read from the repository at hand, and through sockets."""
    if request.param == "sockets":
        from tests.through_sockets import restore_through_sockets

        monkeypatch.setattr(request.module, "restore_snapshot", restore_through_sockets)


@pytest.fixture
def soak_seconds(request: pytest.FixtureRequest) -> float:
    """Give this campaign's even share of the seconds that `make soak` was given."""
    sharers = [it for it in request.session.items if "soak_seconds" in _fixtures_of(it)]
    return float(os.environ.get("GIUCONG_SOAK_SECONDS", "600")) / len(sharers)


def _fixtures_of(item: pytest.Item) -> list[str]:
    return list(item.fixturenames) if isinstance(item, pytest.Function) else []
