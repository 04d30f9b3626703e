"""What holds for every test."""

import os

import pytest
from hypothesis import settings

# On two busy cores a single example may take long; hanging tests end by pytest's own time limit.
settings.register_profile("giucong", deadline=None)
settings.load_profile("giucong")


@pytest.fixture
def soak_seconds(request: pytest.FixtureRequest) -> float:
    """Give this campaign's even share of the seconds that `make soak` was given."""
    sharers = [it for it in request.session.items if "soak_seconds" in _fixtures_of(it)]
    return float(os.environ.get("GIUCONG_SOAK_SECONDS", "600")) / len(sharers)


def _fixtures_of(item: pytest.Item) -> list[str]:
    return list(item.fixturenames) if isinstance(item, pytest.Function) else []
