"""What holds a rehearsal is said, and what nothing holds; groups are made where they can be."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.sandbox.isolation.limits import ControlGroup, find_places, fit, make_group, tell_bounds
from ops.sandbox.plan import Bounds, Order, RehearsalPlan

PLAN = RehearsalPlan(work="/w", site="xa", incident_at=datetime(2026, 11, 24, tzinfo=UTC))
ORDER = Order(plan=PLAN, way="root", outside={}, begun=0.0)


@pytest.mark.parametrize(
    ("order", "has_numbers", "processes", "unbounded"),
    [
        (ORDER, False, "account", {"memory", "processes", "disk", "processor"}),
        (ORDER, True, "namespace", {"memory", "disk", "processor"}),
        (replace(ORDER, way="user"), False, "account", {"memory", "disk", "processor"}),
        (replace(ORDER, in_group=True), False, "group", {"disk", "processor"}),
    ],
)
def test_what_was_not_bounded_is_named(
    order: Order, has_numbers: bool, processes: str, unbounded: set[str]
) -> None:
    told = tell_bounds(order, has_numbers=has_numbers)

    assert told.by == {"memory": "group" if order.in_group else "watch", "processes": processes}
    assert set(told.unbounded) == unbounded


def test_memory_is_at_most_half_of_the_machine() -> None:
    everything = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

    assert fit(Bounds(memory_bytes=everything)).memory_bytes == everything // 2
    assert fit(Bounds(memory_bytes=1000)).memory_bytes == 1000


def a_tree(mount: Path, groups: dict[str, tuple[str, str]]) -> Path:
    for name, (able, down) in groups.items():
        folder = mount / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup.controllers").write_text(able)
        (folder / "cgroup.subtree_control").write_text(down)
    return mount


def test_the_nearest_group_above_that_hands_bounds_down_is_chosen(tmp_path: Path) -> None:
    both, cpu = "cpu memory pids", "cpu"
    groups = {"": (both, both), "a": (both, cpu), "a/b": (cpu, ""), "a/b/c": ("", "")}
    mount = a_tree(tmp_path, groups)

    assert find_places(mount, "/a/b/c") == [mount, mount / "a"]
    assert (mount / "a" / "cgroup.subtree_control").read_text() == "+memory +pids"
    assert find_places(mount, "/") == [mount]


def test_without_the_controllers_there_is_no_group(tmp_path: Path) -> None:
    mount = a_tree(tmp_path, {"": ("hugetlb", ""), "a": ("", "")})

    assert make_group(Bounds(), mount, "/a") is None
    assert not list(mount.rglob("giucong-drill-*"))


def test_events_of_the_kernel_tell_of_breaches(tmp_path: Path) -> None:
    group = ControlGroup(tmp_path)
    assert list(group.list_breaches()) == []

    (tmp_path / "memory.events").write_text("low 0\nmax 7\noom 1\noom_kill 1\n")
    (tmp_path / "pids.events").write_text("max 3\n")
    assert list(group.list_breaches()) == ["memory", "processes"]
