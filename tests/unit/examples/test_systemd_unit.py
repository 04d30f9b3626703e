"""The unit for systemd: systemd itself finds nothing to say, and it is hardened as promised."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[3] / "examples" / "systemd" / "giucong.service"
CONSOLE = UNIT.with_name("giucong-console.service")
SECTIONS = ("Unit", "Service", "Install")


def read_unit(text: str) -> dict[str, list[str]]:
    """Read `Section.Key` to its values; a line that is neither raises."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in text.splitlines():
        if not line.strip() or line.startswith(("#", ";")):
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            continue
        key, sign, value = line.partition("=")
        if not sign or section not in SECTIONS or key != key.strip():
            raise ValueError(line)
        found.setdefault(f"{section}.{key}", []).append(value)
    return found


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Service.Type", "notify"),
        ("Service.User", "giucong"),
        ("Service.StateDirectory", "giucong"),
        ("Service.RuntimeDirectory", "giucong"),
        ("Service.RuntimeDirectoryMode", "0711"),
        ("Service.NoNewPrivileges", "yes"),
        ("Service.ProtectSystem", "strict"),
        ("Service.PrivateTmp", "yes"),
        ("Service.UMask", "0077"),
        ("Service.CapabilityBoundingSet", ""),
        ("Service.RestrictNamespaces", "user mnt pid net ipc uts"),
        ("Service.Delegate", "memory pids"),
        ("Install.WantedBy", "multi-user.target"),
    ],
)
def test_it_says_what_it_promises(key: str, value: str) -> None:
    assert read_unit(UNIT.read_text(encoding="utf-8"))[key] == [value]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Service.User", "giucong-console"),
        ("Service.Group", "giucong-console"),
        ("Service.NoNewPrivileges", "yes"),
        ("Service.ProtectSystem", "strict"),
        ("Service.ProtectHome", "yes"),
        ("Service.PrivateTmp", "yes"),
        ("Service.CapabilityBoundingSet", ""),
        ("Service.RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"),
        ("Service.MemoryMax", "512M"),
    ],
)
def test_the_consoles_says_what_it_promises(key: str, value: str) -> None:
    found = read_unit(CONSOLE.read_text(encoding="utf-8"))
    assert found[key] == [value]
    (shut,) = found["Service.InaccessiblePaths"]
    assert {"-/etc/giucong", "-/var/lib/giucong", "-/var/cache/giucong"} <= set(shut.split())
    assert "Service.SupplementaryGroups" not in found
    assert "Service.Environment" not in found


def test_systemd_finds_the_consoles_closed() -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:  # its lines were read above
        return
    words = [analyze, "security", "--offline=yes", "--threshold=10", "--no-pager", str(CONSOLE)]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_its_calls_are_those_of_a_service_and_of_drills() -> None:
    assert read_unit(UNIT.read_text(encoding="utf-8"))["Service.SystemCallFilter"] == [
        "@system-service mount mount_setattr pivot_root umount2",
        "~io_uring_setup",
    ]


def test_systemd_accepts_it(tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8")
    assert read_unit(text)
    analyze = shutil.which("systemd-analyze")
    if analyze is None:  # the lines were read above; there is nobody else to ask
        return
    program = "/opt/giucong/.venv/bin/giucong"
    assert program in text
    unit = tmp_path / "giucong.service"
    unit.write_text(text.replace(program, "/bin/true").replace("=giucong\n", "=root\n"))
    ended = subprocess.run(
        [analyze, "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    complaints = [line for line in ended.stderr.splitlines() if "giucong.service" in line]

    assert complaints == []
