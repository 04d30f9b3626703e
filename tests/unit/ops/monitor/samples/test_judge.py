"""What is red on a machine, how grave, and what it hangs on."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ops.alerts.looks import Condition
from ops.estate.model.hosts import Host, Line
from ops.estate.model.monitor import DEFAULT_THRESHOLDS, Device, Thresholds, resolve_thresholds
from ops.monitor.samples.judge import judge_device, judge_line, judge_machine
from ops.monitor.samples.look import MachineLook, judge_look, list_look_points
from ops.monitor.samples.sample import THIS_MACHINE, Disk, Sample, Ticks, Unseen, Upkeep
from ops.monitor.samples.take import Reply
from ops.monitor.samples.wording import EXPLANATIONS
from tests.unit.ops.estate.conftest import Load

DISK = Disk(path="/", kind="ext4", size=1000, used=100, free=900, files=100, files_free=90)
WELL = Sample(
    offset=0.0, load=(0.1, 0.1, 0.1), cores=2, ticks=Ticks(100, 1000), uptime=1.0, memory=1000,
    memory_free=900, swap=0, swap_free=0, pressure={"memory full": 0.0, "io full": 0.0},
    disks=(DISK,), failed_units=(), wants_reboot=False,
)  # fmt: skip
BEFORE = replace(WELL, ticks=Ticks(90, 900))
KEPT_UP = Upkeep(updates=0, security_updates=0, lists_age=10.0, log_age=10.0)


def judge(seen: Sample | Unseen, *, upkeep: Upkeep | Unseen | None = KEPT_UP,
          before: Sample | None = BEFORE, **limits: int) -> dict[str, Condition]:  # fmt: skip
    thresholds = {**DEFAULT_THRESHOLDS, **limits}
    found = judge_machine("web1", seen, before, upkeep, thresholds, parent="line:xa")
    assert len({it.subject for it in found}) == len(found)
    return {it.subject: it for it in found}


def full(percent: int, **changes: object) -> Disk:
    return replace(DISK, used=percent * 10, free=1000 - percent * 10, **changes)  # type: ignore[arg-type] # the test names fields


def test_a_machine_that_is_well_is_good_in_everything() -> None:
    found = judge(WELL)

    assert {it.state for it in found.values()} == {"good"}
    assert found["host:web1"].parent == "line:xa"
    assert {it.parent for name, it in found.items() if name != "host:web1"} == {
        "host:web1", "host:web1/disk:/",
    }  # fmt: skip


def test_what_was_not_seen_is_not_checked() -> None:
    found = judge(Sample(), upkeep=None, before=None)

    assert found.pop("host:web1").state == "good"
    assert {it.state for it in found.values()} == {"not_checked"}


@pytest.mark.parametrize(
    ("percent", "state", "severity"),
    [
        (89, "good", "warning"),
        (90, "bad", "warning"),
        (94, "bad", "warning"),
        (95, "bad", "critical"),
    ],
)
def test_a_disk_is_grave_from_halfway_to_full(percent: int, state: str, severity: str) -> None:
    disk = judge(replace(WELL, disks=(full(percent),)))["host:web1/disk:/"]

    assert (disk.state, disk.severity if disk.state == "bad" else "warning") == (state, severity)
    if state == "bad":
        assert disk.params == {
            "host": "web1", "path": "/", "value": float(percent), "limit": 90,
            "free": 1000 - percent * 10, "size": 1000,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "subject", "code"),
    [
        ({"disks": (replace(DISK, files_free=5),)}, "inodes:/", "inodes_full"),
        ({"disks": (Disk(path="/mnt", kind="nfs", hangs=True),)}, "disk:/mnt", "mount_hangs"),
        ({"memory_free": 10}, "memory", "memory_full"),
        ({"swap": 100, "swap_free": 10}, "swap", "swap_full"),
        ({"ticks": Ticks(190, 1000)}, "cpu", "cpu_busy"),
        ({"load": (0.0, 9.0, 0.0)}, "load", "load_high"),
        ({"pressure": {"memory full": 50.0}}, "pressure:memory", "pressure_memory"),
        ({"pressure": {"io full": 50.0}}, "pressure:io", "pressure_io"),
        ({"failed_units": ("a.service",)}, "units", "units_failed"),
        ({"offset": -3.0}, "clock", "clock_off"),
        ({"wants_reboot": True}, "reboot", "reboot_wanted"),
    ],
)
def test_each_figure_has_a_limit(change: dict[str, object], subject: str, code: str) -> None:
    found = judge(replace(WELL, **change))[f"host:web1/{subject}"]  # type: ignore[arg-type] # the test names fields

    assert (found.state, found.code) == ("bad", code)
    assert found.params["host"] == "web1"


@pytest.mark.parametrize(
    ("upkeep", "subject", "state"),
    [
        (replace(KEPT_UP, security_updates=3), "updates", "bad"),
        (replace(KEPT_UP, security_updates=0, lists_age=30 * 86_400.0), "updates", "not_checked"),
        (replace(KEPT_UP, lists_age=None), "updates", "not_checked"),
        (replace(KEPT_UP, log_age=25 * 3600.0), "log", "bad"),
        (Unseen("slow"), "log", "not_checked"),
    ],
)
def test_what_changes_slowly(upkeep: Upkeep | Unseen, subject: str, state: str) -> None:
    assert judge(WELL, upkeep=upkeep)[f"host:web1/{subject}"].state == state


def test_a_clock_is_off_only_beyond_what_the_round_trip_hides() -> None:
    assert judge(replace(WELL, offset=3.0, offset_error=1.5))["host:web1/clock"].state == "good"
    assert judge(replace(WELL, offset=3.0), clock_seconds=5)["host:web1/clock"].state == "good"


@pytest.mark.parametrize("cause", ["unreachable", "key_changed", "refused", "gate", "senseless"])
def test_a_machine_that_cannot_be_looked_at_is_red_alone(cause: str) -> None:
    (only,) = judge(Unseen(cause, "why")).values()  # type: ignore[arg-type] # one of its causes

    assert (only.subject, only.state, only.code) == ("host:web1", "bad", f"host_{cause}")
    assert only.severity == ("critical" if cause in {"unreachable", "key_changed"} else "warning")


def test_a_device_is_red_itself_or_in_parts() -> None:
    device = Device(name="sw", address="192.0.2.2", ports=(80, 443))

    def state(answer: Reply | None) -> dict[str, str]:
        return {it.subject: it.state for it in judge_device(device, answer)}

    assert state(Reply(0.01, can_ping=True, ports={80: True, 443: False})) == {
        "device:sw": "good", "device:sw/ping": "good",
        "device:sw/port:80": "good", "device:sw/port:443": "bad",
    }  # fmt: skip
    assert state(Reply(None, can_ping=True, ports={80: True, 443: True}))["device:sw/ping"] == "bad"
    assert (
        state(Reply(None, can_ping=False, ports={80: True, 443: True}))["device:sw/ping"]
        == "not_checked"
    )
    assert state(Reply(None, can_ping=True, ports={80: False, 443: False})) == {"device:sw": "bad"}
    assert state(Reply()) == {"device:sw": "not_checked", "device:sw/ping": "not_checked"}
    assert state(None) == {"device:sw": "no_data"}


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"a": False, "b": False}, "bad"),
        ({"a": False, "b": True}, "good"),
        ({"a": False}, "good"),  # the host itself, as far as anybody knows
        ({"a": False, "b": None}, "good"),
        ({"a": None}, "not_checked"),
    ],
)
def test_a_line_is_down_when_nobody_on_it_answers(
    answers: dict[str, bool | None], state: str
) -> None:
    assert judge_line("xa", answers).state == state


def test_a_whole_look_hangs_together(load: Load) -> None:
    line = Line(name="xa", limit_mbps=10)
    hosts = (
        Host(name="web1", address="192.0.2.1", line="xa", thresholds=Thresholds(disk_percent=5)),
        Host(name="web2", address="192.0.2.2", jump="web1"),
        Host(name="switch", address="192.0.2.4", shell=False),
    )
    device = Device(name="ups", address="192.0.2.3", line="xa")
    estate = load().model_copy(update={"lines": (line,), "hosts": hosts, "devices": (device,)})
    look = MachineLook(
        at=datetime(2026, 12, 1, tzinfo=UTC),
        machines={THIS_MACHINE: WELL, "web1": WELL, "web2": Unseen("unreachable")},
        before={"web1": BEFORE},
        upkeep={},
        answers={"ups": Reply(0.002, can_ping=True)},
    )
    found = {it.subject: it for it in judge_look(estate, look)}

    assert found["line:xa"].state == "good"
    assert (found["host:web1"].parent, found["host:web2"].parent) == ("line:xa", "host:web1")
    assert found["host:web1/disk:/"].state == "bad"  # its own limit, not that of all
    assert found[f"host:{THIS_MACHINE}/disk:/"].state == "good"
    assert found["host:switch"].state == "not_checked"
    points = {(subject, metric): value for subject, metric, value in list_look_points(look)}
    assert points["host:web1", "disk_percent[/]"] == 10.0
    assert points["host:web1", "cpu_percent"] == 10.0
    assert points["host:web2", "up"] == 0.0
    assert points["device:ups", "ping_seconds"] == 0.002
    assert (f"host:{THIS_MACHINE}", "cpu_percent") not in points


def test_the_nearest_limit_wins() -> None:
    wide, near = Thresholds(disk_percent=80, swap_percent=70), Thresholds(disk_percent=60)

    found = resolve_thresholds(near, wide)
    assert (found["disk_percent"], found["swap_percent"]) == (60, 70)
    assert found["inode_percent"] == DEFAULT_THRESHOLDS["inode_percent"]


def test_what_counts_where_nobody_says_more_may_be_said_as_well() -> None:
    """The defaults are the examples of the fields, which nothing checks by itself."""
    assert Thresholds(**DEFAULT_THRESHOLDS).model_dump() == resolve_thresholds()


def test_everything_that_can_be_red_is_said_in_whole_sentences() -> None:
    reasons = {"reason": "x", "path": "/", "value": 96.5, "limit": 90, "free": 1 << 30,
               "size": 1 << 40, "seconds": -3.0, "days": 7, "hours": 30, "count": 2,
               "units": ["a.service"], "device": "UPS", "address": "192.0.2.3", "port": "80",
               "line": "xa"}  # fmt: skip
    for code, explain in EXPLANATIONS.items():
        for host in ("web1", ""):
            told = explain({**reasons, "host": host})
            text = f"{told.what} {told.why} {told.data} {told.next_step}"
            assert "{" not in text, (code, text)
            assert ("--host" in text) <= bool(host), (code, text)
