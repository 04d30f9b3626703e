"""A runbook's `curl` runs where the service stands, and reaches what no browser outside does."""

import socket
from pathlib import Path

import pytest

from tests.integration.jobs.small_estate import build_estate, giucong

pytestmark = pytest.mark.slow

HOSTS = """
[[hosts]]
name = "web1"
address = "192.0.2.10"
"""


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1:{port}/", "https://localhost:{port}/", "https://2130706433:{port}/",
        "https://[::1]:{port}/", "https://169.254.169.254/latest/", "https://10.0.0.8/",
        "https://www.xa.vn@127.0.0.1:{port}/", "https://www.xa.vn\\@127.0.0.1:{port}/",
        "https://www.xa.vn:x@127.0.0.1:{port}/", "https://{{www.xa.vn,127.0.0.1:{port}}}/",
        "https://www.xa.vn.example.vn/", "https://www.xa.vn#@127.0.0.1:{port}/",
        "https://www.xa.vn?@127.0.0.1:{port}/", "https://[192.0.2.10-12]/",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("runbook", "name"),
    [("certificate-expired", "address"), ("yearly-switch-over", "main")],
)
def test_an_address_that_the_estate_does_not_name_is_refused(
    address: str, runbook: str, name: str, tmp_path: Path
) -> None:
    estate = named_estate(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        value = address.format(port=listener.getsockname()[1])
        done = giucong(estate, *begin(runbook, {name: value}))

        listener.settimeout(0.1)
        with pytest.raises(TimeoutError):
            listener.accept()
    assert done.returncode == 2, done.stdout + done.stderr
    assert f'"{name}"' in done.stderr


@pytest.mark.parametrize(
    "address", ["https://www.xa.vn", "https://www.xa.vn/bai?a=1", "https://192.0.2.10:8443/"]
)
def test_an_address_of_a_site_or_of_a_machine_in_the_estate_is_taken(
    address: str, tmp_path: Path
) -> None:
    estate = named_estate(tmp_path)

    done = giucong(estate, *begin("certificate-expired", {"address": address}), "--dry-run")

    assert done.returncode == 0, done.stderr


def named_estate(folder: Path) -> Path:
    estate = build_estate(folder / "estate", HOSTS)
    text = estate.read_text(encoding="utf-8")
    more = 'unit = "xa"\nurl = "https://www.xa.vn/"\n'
    estate.write_text(text.replace('unit = "xa"\n', more, 1), encoding="utf-8")
    return estate


def begin(runbook: str, more: dict[str, str]) -> list[str]:
    values = {"site": "cong-xa", "address": "https://www.xa.vn/", **more}
    if runbook == "certificate-expired":
        values |= {"host": "www.xa.vn", "certificate": "/etc/hostname"}
    else:
        values = {"main": "https://www.xa.vn/", "store": "near",
                  "standby": "/srv/du-phong", **values}  # fmt: skip
    sets = [word for pair in values.items() for word in ("--set", "=".join(pair))]
    return ["runbook.run", "--id", runbook, "--reason", "thử", *sets]
