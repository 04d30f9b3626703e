"""What a machine says of itself is read, or all of it is refused; never half, never more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.monitor.samples.parse import MOST_BYTES, SenselessError, parse_sample, parse_upkeep
from ops.monitor.samples.sample import Disk, Sample, Ticks, Upkeep, list_points

GOOD = """\
clock 1000010.500000000
/proc/loadavg:0.50 1.25 2.00 3/120 4711
/proc/uptime:86400.25 100.00
/proc/stat:cpu  100 10 50 800 40 0 0 0 7 7
/proc/stat:cpu0 50 5 25 400 20 0 0 0 0 0
/proc/stat:cpu1 50 5 25 400 20 0 0 0 0 0
/proc/meminfo:MemTotal:       1000 kB
/proc/meminfo:MemFree:         100 kB
/proc/meminfo:MemAvailable:    250 kB
/proc/meminfo:SwapTotal:       400 kB
/proc/meminfo:SwapFree:        100 kB
/proc/pressure/memory:some avg10=0.00 avg60=1.50 avg300=0.00 total=1
/proc/pressure/memory:full avg10=0.00 avg60=0.75 avg300=0.00 total=1
reboot no
units seen
unit nginx.service
mount 1 ext4 /
mount 2 xfs /srv/d\\040li\\134u
mount 3 nfs4 /mnt/xa
mount 4 ext4 /mnt/lost
disk 1 4096 1000 300 250 500 100
disk 2 1024 10 10 10 0 0
none 4
end
"""


def parse(text: str, asked: float = 1_000_000.0, heard: float = 1_000_001.0) -> Sample:
    return parse_sample(text.encode(), asked=asked, heard=heard)


def test_everything_that_is_said_is_read() -> None:
    assert parse(GOOD) == Sample(
        offset=10.0,
        offset_error=0.5,
        load=(0.5, 1.25, 2.0),
        cores=2,
        ticks=Ticks(160, 1000),
        uptime=86400.25,
        memory=1_024_000,
        memory_free=256_000,
        swap=409_600,
        swap_free=102_400,
        pressure={"memory some": 1.5, "memory full": 0.75},
        disks=(
            Disk(path="/", kind="ext4", size=4_096_000, used=2_867_200, free=1_024_000,
                 files=500, files_free=100),
            Disk(path="/srv/d li\\u", kind="xfs", size=10_240, used=0, free=10_240,
                 files=0, files_free=0),
            Disk(path="/mnt/xa", kind="nfs4", hangs=True),
        ),
        failed_units=("nginx.service",),
        wants_reboot=False,
    )  # fmt: skip


def test_a_disk_is_as_full_as_df_says() -> None:
    root, empty, hanging = parse(GOOD).disks

    assert root.percent == pytest.approx(100 * 700 / 950)
    assert root.files_percent == 80.0
    assert (empty.percent, empty.files_percent) == (0.0, None)
    assert (hanging.percent, hanging.files_percent) == (None, None)


def test_what_was_not_said_is_not_known() -> None:
    seen = parse("clock 1000000.1\nend\n")

    assert (seen.load, seen.cores, seen.ticks, seen.memory, seen.swap) == (None,) * 5
    assert (seen.failed_units, seen.wants_reboot, seen.disks, dict(seen.pressure)) == (
        None, None, (), {},
    )  # fmt: skip
    assert list_points(seen, None) == {"clock_offset_seconds": pytest.approx(-0.4)}


def test_a_clock_without_fractions_may_be_wrong_by_half_a_second_more() -> None:
    for clock in ("1000010", "1000010.%N"):
        seen = parse(GOOD.replace("1000010.500000000", clock))
        assert (seen.offset, seen.offset_error) == (10.0, 1.0)


def test_the_share_of_the_processors_is_that_between_two_looks() -> None:
    assert Ticks(160, 1000).percent_since(Ticks(60, 800)) == 50.0
    assert Ticks(160, 1000).percent_since(None) is None
    assert Ticks(160, 1000).percent_since(Ticks(160, 1000)) is None
    assert Ticks(10, 50).percent_since(Ticks(160, 1000)) is None  # it was restarted meanwhile


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("end\n", ""),
        ("end\n", "end"),
        ("end\n", "end\nend \n"),
        ("clock 1000010.500000000\n", ""),
        ("clock 1000010.500000000", "clock nan"),
        ("clock 1000010.500000000", "clock -1"),
        ("clock 1000010.500000000", "clock 1e9"),
        ("clock 1000010.500000000", "clock 999999999999"),
        ("clock 1000010.500000000", "clock 1\nclock 2"),
        ("0.50 1.25", "nan 1.25"),
        ("0.50 1.25", "-0.5 1.25"),
        ("0.50 1.25 2.00 3/120 4711", "0.50"),
        ("/proc/uptime:86400.25", "/proc/uptime:inf"),
        ("/proc/uptime:86400.25 100.00", "/proc/uptime:1 1\n/proc/uptime:2 2"),
        ("cpu  100 10", "cpu  -100 10"),
        ("cpu  100 10", "cpu  " + "9" * 5000 + " 10"),
        ("cpu  100 10 50 800 40 0 0 0 7 7", "cpu  1"),
        ("MemTotal:       1000", "MemTotal:       10"),
        ("MemTotal:       1000 kB", "MemTotal: 1000 kB\n/proc/meminfo:MemTotal: 2000 kB"),
        ("MemTotal:       1000", "MemTotal: ١٠٠٠"),
        ("avg60=1.50", "avg60=150"),
        ("avg60=1.50", "avg60=NaN"),
        ("mount 1 ext4 /\n", "mount 1 ext4 /\nmount 1 ext4 /home\n"),
        ("disk 1 4096", "disk 1 1 1 1 1 1 1\ndisk 1 4096"),
        ("mount 1 ext4 /\n", "mount 1 ext4 etc\n"),
        ("mount 1 ext4 /\n", "mount x ext4 /\n"),
        ("mount 1 ext4 /\n", "mount 1 \x1b[2J /\n"),
    ],
    ids=ascii,
)
def test_nothing_is_believed_of_who_says_what_cannot_be(old: str, new: str) -> None:
    assert old in GOOD
    with pytest.raises(SenselessError):
        parse(GOOD.replace(old, new))


@pytest.mark.parametrize(
    "figures",
    [
        "4096 10 20 5 1 1",
        "4096 10 5 9 1 1",
        "1 1 1 1 1 18446744073709551615",
        "x",
        "1 2 3",
        "-1 1 1 1 1 1",
    ],
)
def test_a_file_system_that_makes_its_figures_up_spoils_no_other(figures: str) -> None:
    root, empty, _hanging = parse(GOOD.replace("1024 10 10 10 0 0", figures)).disks

    assert root.percent is not None
    assert (empty.percent, empty.hangs) == (None, False)


def test_names_command_no_terminal_and_are_short() -> None:
    evil = "\x1b]0;evil\x07\u202e" + "x" * 4000
    seen = parse(GOOD.replace("unit nginx.service", f"unit {evil}").replace("/mnt/xa", f"/{evil}"))
    names = [*(seen.failed_units or ()), *(disk.path for disk in seen.disks)]

    assert all(it.isprintable() and len(it) <= 120 for it in names), names


def test_more_than_can_be_is_cut_off() -> None:
    many = "".join(f"unit u{n}\n" for n in range(500))
    mounts = "".join(f"mount {n} ext4 /m{n}\n" for n in range(10, 500))
    seen = parse(GOOD.replace("end\n", f"{many}{mounts}mounts more\nend\n"))

    assert len(seen.failed_units or ()) == 20
    assert len(seen.disks) <= 40
    assert seen.more_disks
    with pytest.raises(SenselessError):
        parse(GOOD.replace("end\n", "unit x\n" * (MOST_BYTES // 7) + "end\n"))
    with pytest.raises(SenselessError):
        parse(GOOD.replace("end\n", "\n" * 5000 + "end\n"))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for data in (raw, b"clock 1\n" + raw + b"\nend\n", GOOD.encode()[:-4] + raw + b"\nend\n"):
        try:
            found = parse_sample(data, asked=1.0, heard=2.0)
        except SenselessError:
            continue
        assert isinstance(found, Sample)


def test_what_changes_slowly_is_read() -> None:
    raw = b"clock 100000.5\nlists 40000\nlists 90000\nupdates 12 3\nlog 99000\nlog 1000\nend\n"

    assert parse_upkeep(raw) == Upkeep(
        updates=12, security_updates=3, lists_age=10_000.5, log_age=1_000.5
    )
    assert parse_upkeep(b"clock 1.0\nend\n") == Upkeep()
    assert parse_upkeep(b"clock 1.0\nlog 5\nend\n").log_age == 0.0
    for bad in (b"updates 1", b"updates x 1", b"updates 1 2 3", b"log -1", b"log nan"):
        with pytest.raises(SenselessError):
            parse_upkeep(b"clock 1.0\n" + bad + b"\nend\n")
