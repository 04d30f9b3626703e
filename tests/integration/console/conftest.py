"""One estate and one office for all tests of the console that only look."""

from collections.abc import Iterator

import pytest

from tests.console_office import InProcess, build_console_estate, office_in_process


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """An office in this process, over a small estate with a person of each role."""
    estate = build_console_estate(tmp_path_factory.mktemp("console") / "estate")
    with office_in_process(estate) as found:
        yield found
