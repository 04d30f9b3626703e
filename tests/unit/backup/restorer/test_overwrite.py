"""What is to be done with an entry that is there: a table."""

import os
import stat

import pytest

from backup.restorer.overwrite import Step, decide_step
from backup.restorer.request import Overwrite
from tests.small_repository import file_node

_NODE = file_node(b"file", b"12345", mtime=1000)


def _there(
    *, kind: int = stat.S_IFREG, size: int = 5, mtime: int = 1000, links: int = 1
) -> os.stat_result:
    return os.stat_result(
        (kind | 0o644, 1, 1, links, 0, 0, size, 0, 0, 0),
        {"st_mtime_ns": mtime},
    )


@pytest.mark.parametrize(
    ("there", "overwrite", "step"),
    [
        (None, "never", Step.CREATE),
        (None, "always", Step.CREATE),
        (_there(), "never", Step.SKIP),
        (_there(kind=stat.S_IFDIR), "never", Step.SKIP),
        (_there(mtime=1001), "if-newer", Step.SKIP),
        (_there(mtime=1000), "if-newer", Step.SKIP),
        (_there(mtime=999), "if-newer", Step.COMPARE),
        (_there(mtime=999, size=6), "if-newer", Step.REPLACE),
        (_there(), "always", Step.COMPARE),
        (_there(size=4), "always", Step.REPLACE),
        (_there(kind=stat.S_IFLNK), "always", Step.REPLACE),
        (_there(kind=stat.S_IFDIR), "always", Step.REPLACE),
        (_there(links=2), "always", Step.REPLACE),
        (_there(), "if-changed", Step.REFRESH),
        (_there(mtime=1001), "if-changed", Step.COMPARE),
        (_there(size=4), "if-changed", Step.REPLACE),
        (_there(links=2), "if-changed", Step.REPLACE),
    ],
)
def test_table(there: os.stat_result | None, overwrite: Overwrite, step: Step) -> None:
    assert decide_step(_NODE, there, overwrite) is step


def test_a_file_of_several_names_may_keep_them() -> None:
    assert decide_step(_NODE._replace(links=2), _there(links=2), "always") is Step.COMPARE
