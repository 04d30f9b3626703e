"""Sites are asked as a visitor would ask them: real TLS, real DNS, real pages."""

import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ops.monitor.probes.look import RARELY, reaches_ipv6
from ops.monitor.probes.probe import judge_look, judge_probe
from ops.monitor.probes.result import Seen, list_changes, list_points
from ops.monitor.probes.target import PageWish
from tests.integration.monitor.probes.sites import (
    HOST,
    NOW,
    QUICK,
    answering_over_ipv6,
    deaf_port,
    free_port,
    look,
    named,
    remember,
    target,
)
from tests.name_server import NameServer, name_server
from tests.private_authority import Authority
from tests.web_server import say, web_server

pytestmark = pytest.mark.slow
THRESHOLDS = {"first_byte_seconds": 5, "certificate_days": 30}
PAGE = "<title>Cổng thông tin</title><h1>Xin chào</h1><p>Thủ tục hành chính</p>".encode()


@pytest.fixture
def dns() -> Iterator[NameServer]:
    with name_server({(HOST, "A"): ["127.0.0.1"]}) as server:
        yield server


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca") / "ca")


def codes(result: object) -> dict[str, str]:
    found = judge_probe(result, THRESHOLDS)  # type: ignore[arg-type] # a result
    return {it.subject: it.code for it in found if it.state == "bad"}


def test_a_good_site_is_seen_whole(dns: NameServer, authority: Authority) -> None:
    certificate = authority.issue("good", days=90, hosts=[HOST])
    with web_server({"/": say(PAGE)}, certificate=certificate) as server:
        site = target(named(server), words=("thủ TỤC hành chính",), no_words=("hacked by",))
        (found,) = look(site, nameservers=(dns.place,), authorities=authority.root)

    assert (found.verdict, found.status, found.size_bytes) == ("up", 200, len(PAGE))
    assert found.protocol == "TLSv1.3"
    assert found.certificate is not None
    assert found.certificate.issuer == "Authority of the tests"
    assert found.certificate.subject == HOST
    assert set(found.seconds) == {"name", "connect", "first_byte", "whole"}
    assert round(list_points(found)["certificate_days"]) == 90
    assert {it: found.findings[it].state for it in found.findings} == {
        "answer": "good", "certificate": "good", "issuer": "good", "names": "good",
        "words": "good", "ipv6": "not_checked",
    }  # fmt: skip
    assert ("names", "seen", "127.0.0.1") in list_changes(found)
    assert codes(found) == {}


@pytest.mark.parametrize(
    ("hosts", "days", "trusts", "reason"),
    [
        ([HOST], -1, True, "expired"),
        (["khac.thu"], 90, True, "other_name"),
        ([HOST], 90, False, "incomplete"),
    ],
)
def test_a_certificate_that_a_browser_refuses(
    dns: NameServer, authority: Authority, hosts: list[str], days: int, trusts: bool, reason: str
) -> None:
    certificate = authority.issue(f"bad-{reason}", days=days, hosts=hosts)
    with web_server({"/": say(PAGE)}, certificate=certificate) as server:
        (found,) = look(target(named(server)), nameservers=(dns.place,),
                        authorities=authority.root if trusts else None)  # fmt: skip

    assert (found.verdict, found.is_confirmed) == ("down", True)
    assert found.findings["answer"].params["problem"] == "certificate"
    assert found.findings["certificate"].params["problem"] == reason
    assert found.certificate is not None, "it is read all the same"
    assert found.certificate.subject == hosts[0]
    assert "issuer" not in found.findings, "whoever signed what is refused is not remembered"
    assert codes(found) == {
        "site:cong": "site_down", "site:cong/certificate": "certificate_refused",
    }  # fmt: skip


def test_a_certificate_of_another_authority_is_told(
    dns: NameServer, authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other", "Another authority")
    both = tmp_path / "both.pem"
    both.write_bytes(authority.root.read_bytes() + other.root.read_bytes())
    with web_server(
        {"/": say(PAGE)}, certificate=authority.issue("first", days=90, hosts=[HOST])
    ) as server:
        first = look(target(named(server)), nameservers=(dns.place,), authorities=both)
    with web_server(
        {"/": say(PAGE)}, certificate=other.issue("second", days=90, hosts=[HOST])
    ) as server:
        second = look(target(named(server)), remember(first), now=NOW + timedelta(minutes=1),
                      nameservers=(dns.place,), authorities=both)  # fmt: skip
        third = look(target(named(server)), remember(second), now=NOW + timedelta(hours=25),
                     nameservers=(dns.place,), authorities=both)  # fmt: skip

    assert codes(first[0]) == {}
    assert codes(second[0]) == {"site:cong/issuer": "issuer_changed"}
    assert list_changes(second[0]) == [("issuer", "seen", "Another authority")]
    assert codes(third[0]) == {}, "after a day it is how things are"


def test_where_a_name_leads(dns: NameServer) -> None:
    steps = [
        (0, ["127.0.0.9"], "site_down"),
        (1, ["127.0.0.1"], "addresses_changed"),
        (30, ["127.0.0.1", "127.0.0.2"], "addresses_changed"),
        (60, ["127.0.0.1"], ""),
    ]
    known: Seen = {}
    told = []
    with web_server({"/": say(PAGE)}) as server:
        for hours, addresses, _code in steps:
            dns.zone[HOST, "A"] = addresses
            found = look(target(named(server)), known, now=NOW + timedelta(hours=hours),
                         nameservers=(dns.place,))  # fmt: skip
            known = remember(found)
            told += [[it for it in judge_probe(found[0], THRESHOLDS) if it.state == "bad"]]
        within, beyond = (
            look(target(named(server), networks=(ip_network(it),)), nameservers=(dns.place,))[0]
            for it in ("127.0.0.0/24", "10.0.0.0/8")
        )

    assert ["".join(it.code for it in found) for found in told] == [code for *_, code in steps]
    assert told[1][0].params == {"before": "127.0.0.9", "found": "127.0.0.1"}
    assert codes(within) == {}
    assert codes(beyond) == {"site:cong/names": "name_leads_astray"}


def test_aliases_are_followed_and_names_that_are_not_there_are_told(dns: NameServer) -> None:
    dns.zone |= {("www.thu", "CNAME"): [HOST], ("empty.thu", "TXT"): ['"x"']}
    with web_server({"/": say(PAGE)}) as server:
        sites = [target(named(server, it), it) for it in ("www.thu", "gone.thu", "empty.thu")]
        alias, gone, empty = look(sites, nameservers=(dns.place,))

    assert alias.verdict == "up"
    assert (gone.verdict, codes(gone)["site:gone.thu"]) == ("down", "site_down")
    assert gone.findings["names"].text == "nxdomain"
    assert empty.findings["names"].text == "empty"


def test_nameservers_that_fail_are_not_the_site_s_fault(dns: NameServer) -> None:
    with web_server({"/": say(PAGE)}) as server:
        site = target(named(server))
        first = look(site, nameservers=(dns.place,))
        dns.fails = True
        known = look(site, remember(first), nameservers=(dns.place,))
        unknown = look(site, nameservers=(dns.place,), references=(dns.place,))

    assert known[0].verdict == "up", "by the addresses that were known"
    assert codes(known[0]) == {"site:cong/names": "resolver_failed"}
    assert {it.code for it in judge_look(known) if it.state == "bad"} == {"nameservers_silent"}
    assert unknown[0].verdict == "unknown"
    (told,) = [it for it in judge_probe(known[0], THRESHOLDS) if it.code == "resolver_failed"]
    assert told.parent == "watch:resolver", "so that a hundred sites are told as one"


def test_ipv6_is_asked_where_it_is_named(dns: NameServer) -> None:
    """Where the machine of the tests has no IPv6 this is what has to be said of it."""
    has_ipv6 = reaches_ipv6("::1")
    dns.zone[HOST, "AAAA"] = ["::1"]
    found = {}
    with web_server({"/": say(PAGE)}) as server:
        site = target(named(server))
        around: dict[str, Any] = {"nameservers": (dns.place,)}
        found["alone"] = look(site, **around)
        with ExitStack() as stack:
            if has_ipv6:
                stack.enter_context(answering_over_ipv6(urlsplit(server).port or 0))
            found["both"] = look(site, **around)
        del dns.zone[HOST, "AAAA"]
        later = NOW + timedelta(minutes=6)
        found["lost"] = look(site, remember(found["both"]), now=later, **around)
        found["none"] = look(site, **around)

    states = {name: (it[0].findings["ipv6"].text, codes(it[0])) for name, it in found.items()}
    silent = ("silent", {"site:cong/ipv6": "ipv6_silent"})
    assert states["alone"] == (silent if has_ipv6 else ("", {})), "it listens at 127.0.0.1 alone"
    assert states["both"] == ("reachable" if has_ipv6 else "", {})
    assert states["lost"] == ("none", {"site:cong/ipv6": "ipv6_lost"} if has_ipv6 else {})
    assert states["none"] == ("none", {})


def test_search_and_feedback_form(dns: NameServer) -> None:
    pages = {
        "/": say(PAGE),
        "/tim?q=a": say("<p>12 kết quả</p>".encode()),
        "/gop-y": say(b"<form method=post><textarea name=y></textarea></form>"),
        "/khong": say("<p>Đã có lỗi</p>".encode()),
    }
    wishes = [
        ("tim", "search", "/tim?q=a", ("kết quả",)),
        ("tim-hong", "search", "/khong", ("kết quả",)),
        ("gop-y", "feedback", "/gop-y", ()),
        ("gop-y-hong", "feedback", "/khong", ()),
        ("mat", "page", "/mat", ()),
    ]
    with web_server(pages) as server:
        checks = tuple(
            PageWish(name=name, kind=kind, address=named(server, path=path), words=words)  # type: ignore[arg-type] # one of them
            for name, kind, path, words in wishes
        )
        site = target(named(server), checks=checks)
        first = look(site, nameservers=(dns.place,))
        soon = look(site, remember(first), now=NOW + timedelta(minutes=1), nameservers=(dns.place,))
        later = look(site, remember(soon), now=NOW + RARELY, nameservers=(dns.place,))

    expected = {
        "site:cong/check:tim-hong": "page_lacks",
        "site:cong/check:gop-y-hong": "form_missing",
        "site:cong/check:mat": "page_missing",
    }
    assert [codes(it[0]) for it in (first, soon, later)] == [expected] * 3
    good = {"check:tim", "check:gop-y"}
    assert good <= set(first[0].findings)
    assert not good & set(soon[0].findings), "what is good is asked for every five minutes"
    assert good <= set(later[0].findings)
    subjects = {it.subject: it.state for it in judge_probe(soon[0], THRESHOLDS)}
    assert subjects["site:cong/check:tim"] == "good", "and stays good meanwhile"


def test_a_defaced_page_is_told(dns: NameServer) -> None:
    body = gzip.compress(b"<h1>HACKED  BY someone</h1>")
    with web_server({"/": say(body, Content_Encoding="gzip")}) as server:
        site = target(named(server), words=("Cổng",), no_words=("hacked by",))
        (found,) = look(site, nameservers=(dns.place,))

    (told,) = [it for it in judge_probe(found, THRESHOLDS) if it.code == "page_shows"]
    assert (told.subject, told.severity, found.verdict) == ("site:cong/words", "critical", "up")


def test_redirects_lead_on_as_far_as_they_may(dns: NameServer, authority: Authority) -> None:
    certificate = authority.issue("redirects", days=90, hosts=[HOST])
    dns.zone["elsewhere.thu", "A"] = ["127.0.0.1"]
    dns.zone["within.thu", "A"] = ["10.0.0.7"]
    pages = {"/": say(PAGE)}
    with web_server(pages, certificate=certificate) as secure, web_server(pages) as other:
        port = secure.rpartition(":")[2]
        pages |= {
            "/a": say(b"", 301, Location="/b"),
            "/b": say(b"", 302, Location="/"),
            "/elsewhere": say(b"", 302, Location=named(other, "elsewhere.thu")),
            "/within": say(b"", 302, Location="http://within.thu/"),
            "/loopback": say(b"", 302, Location=f"http://127.0.0.1:{free_port()}/"),
            "/mapped": say(b"", 302, Location="http://[::ffff:169.254.169.254]/latest"),
            "/file": say(b"", 302, Location="file:///etc/passwd"),
            "/circle": say(b"", 302, Location="/circle?"),
            "/circle?": say(b"", 302, Location="/circle"),
            "/hostile": say(b"", 302, Location="gopher://x/\x9b31m" + "x" * 3000),
        }
        names = [it.strip("/") for it in pages if it not in {"/", "/b", "/circle?"}]
        found = {
            it.site: it
            for it in look(
                [target(named(secure, path=f"/{it}"), it) for it in names],
                nameservers=(dns.place,), authorities=authority.root,
            )
        }  # fmt: skip
        hops = [f"https://{HOST}:{port}{it}" for it in ("/a", "/b")]

    assert (found["a"].verdict, list(found["a"].redirects)) == ("up", hops)
    problems = {it: found[it].findings["answer"].params["problem"] for it in names if it != "a"}
    assert problems == {
        "elsewhere": "inside", "within": "inside", "loopback": "inside", "mapped": "inside",
        "file": "address", "circle": "redirects", "hostile": "address",
    }  # fmt: skip
    said = str(found["hostile"].findings["answer"].params)
    assert "\x9b" not in said
    assert len(said) < 1000


def test_a_name_is_looked_up_once_a_look(dns: NameServer) -> None:
    """So that an answer that changes under way leads nowhere else than what was checked."""
    pages = {"/": say(b"", 302, Location="/x"), "/x": say(PAGE)}
    with web_server(pages) as server:
        (found,) = look(target(named(server)), nameservers=(dns.place,))

    assert found.verdict == "up"
    assert dns.asked == [(HOST, "A"), (HOST, "AAAA")]


def test_our_own_line(dns: NameServer) -> None:
    dns.zone["far.thu", "A"] = ["127.0.0.1"]
    little = replace(QUICK, first_byte=10, whole=10)
    with deaf_port() as deaf, deaf_port() as silent, web_server({"/": say(PAGE)}) as server:
        site, near = target(f"http://far.thu:{deaf[1]}/"), target(named(server), "gan")
        refusing = ("127.0.0.1", free_port())
        (cut_off,), (dead,), (both, good) = (
            look(sites, nameservers=(dns.place,), references=(place,), limits=little, seconds=2)
            for sites, place in ((site, silent), (site, refusing), ([site, near], silent))
        )

    assert (cut_off.verdict, cut_off.line, cut_off.known) == ("unknown", "down", {})
    assert {it.code for it in judge_look([cut_off]) if it.state == "bad"} == {"own_line_down"}
    (told,) = judge_probe(cut_off, THRESHOLDS)
    assert (told.state, told.parent) == ("no_data", "watch:line")
    assert (dead.verdict, dead.line) == ("down", "up"), "who refuses answers"
    assert (both.verdict, both.line) == ("unknown", "down"), "loopback proves no line"
    assert good.verdict == "up"


def test_a_failure_is_looked_at_twice(dns: NameServer) -> None:
    asked: list[str] = []

    def once(request: object) -> None:
        asked.append("")
        say(PAGE, 503 if len(asked) == 1 else 200)(request)  # type: ignore[arg-type] # a request

    with web_server({"/": once, "/bad": say(PAGE, 500)}) as server:
        sites = [target(named(server)), target(named(server, path="/bad"), "bad")]
        first = look(sites, nameservers=(dns.place,))
        no_time = look(sites, nameservers=(dns.place,), pause=60)
        second = look(sites, remember(first), nameservers=(dns.place,), pause=60)

    assert [it.verdict for it in first] == ["up", "down"]
    assert len(asked) == 4, "a site that is well is asked once"
    down = {it.subject: it for it in judge_probe(first[1], THRESHOLDS)}["site:bad"]
    assert (down.state, down.holds_for) == ("bad", timedelta())
    assert not no_time[1].is_confirmed
    assert judge_probe(no_time[1], THRESHOLDS)[0].holds_for > timedelta()
    assert second[1].is_confirmed, "what was down before is so again"


def test_sites_that_are_not_reached_in_time_are_unknown(dns: NameServer) -> None:
    (found,) = look(target("http://cong.thu:9/"), nameservers=(dns.place,), seconds=-1)

    assert (found.verdict, found.known) == ("unknown", {})
    assert judge_probe(found, THRESHOLDS)[0].state == "no_data"


def test_the_system_s_own_list_counts_where_dns_knows_nothing(dns: NameServer) -> None:
    with web_server({"/": say(PAGE)}) as server:
        (found,) = look(target(named(server, "localhost")), nameservers=(dns.place,))

    assert (found.verdict, found.findings["names"].state) == ("up", "not_checked")
    assert dns.asked == []
