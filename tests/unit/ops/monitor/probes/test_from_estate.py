"""What the estate asks of probes."""

from ipaddress import ip_network

import pytest

from ops.errors import OpsError
from ops.estate.model.monitor import split_place
from ops.monitor.probes.target import list_targets, surroundings_of
from tests.unit.ops.estate.conftest import SITE, Load, load

__all__ = ["load"]
PROBED = """
url = "https://cong.example.vn/vi"
  [sites.probe]
  words = ["Cổng"]
  networks = ["192.0.2.0/24"]
  [[sites.probe.checks]]
  name = "tim-kiem"
  kind = "search"
  path = "/tim?q=ubnd"
  words = ["kết quả"]
"""
AGAIN = '[[sites.probe.checks]]\nname = "tim-kiem"\npath = "/"\n'
SITE_WITH = SITE.replace("[[sites.files]]", f"{PROBED}[[sites.files]]")


def test_a_site_and_its_surroundings(load: Load) -> None:
    more = """
    [monitor.probes]
    nameservers = ["192.0.2.53", "[2001:db8::53]:5353"]
    references = ["192.0.2.1"]
    authorities = "keys/ca.pem"
    """
    hosted = SITE_WITH.replace('path = "/var', 'host = "web1"\npath = "/var')
    estate = load(f'{more}[[hosts]]\nname = "web1"\naddress = "192.0.2.10"\n{hosted}')

    (target,) = list_targets(estate)
    around = surroundings_of(estate)

    assert target.page.address == "https://cong.example.vn/vi/"
    assert target.parent == "host:web1"
    assert target.networks == (ip_network("192.0.2.0/24"),)
    assert [(it.name, it.kind, it.address) for it in target.checks] == [
        ("tim-kiem", "search", "https://cong.example.vn/vi/tim?q=ubnd")
    ]
    assert around.nameservers == (("192.0.2.53", 53), ("2001:db8::53", 5353))
    assert around.references == (("192.0.2.1", 443),)
    assert around.authorities == estate.path.parent / "keys/ca.pem"


def test_a_site_without_an_address_or_taken_out_is_not_probed(load: Load) -> None:
    assert list_targets(load(SITE)) == []
    off = SITE_WITH.replace("[sites.probe]", "[sites.probe]\nenabled = false")
    assert list_targets(load(off)) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('words = ["kết quả"]', "", "a search is good when"),
        ('"192.0.2.0/24"', '"192.0.2.7/24"', "is not a network"),
        ("[[sites.files]]", f"{AGAIN}[[sites.files]]", "two checks are called"),
    ],
)
def test_mistakes_are_told(
    load: Load, monkeypatch: pytest.MonkeyPatch, before: str, after: str, told: str
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    with pytest.raises(OpsError) as caught:
        load(SITE_WITH.replace(before, after, 1))

    assert told in str([it.what for it in getattr(caught.value, "problems", ())]).replace(
        "{name}", ""
    )


def test_a_nameserver_is_an_address(load: Load) -> None:
    for wrong in ("dns.example.vn", "192.0.2.53:0", "192.0.2.53:x", ""):
        with pytest.raises(ValueError, match=r"."):
            split_place(wrong, 53)
    with pytest.raises(OpsError):
        load(f'[monitor.probes]\nnameservers = ["dns.example.vn"]\n{SITE}')
