"""A year of the demo's estate, thinned, made in half a minute.

Every line of it is written by the tasks and the watch themselves, at moments that the moved clock
gives them (`examples.moved_clock`): backups and their thinning, a failed night, drills, captures,
an outage with its alert and its entry in the register, a plan with its decision. Only what the
watch would have measured is invented: figures of the machine and the minutes of the sites.

Everything is in one list of moments, in order; each is worked off at its own. The year ends last
night. An interrupted one is begun anew.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from archive.ocfl.files import remove_tree
from examples import moved_clock
from examples.asked_jobs import run_asked
from examples.forked import at_once
from examples.machine_year import DAYS, MachineYear
from examples.papers import ZONE, Papers, Step, at, enter
from examples.people import ROLES, make_password
from examples.pictures import draw_picture
from examples.served import DEPARTMENT, MAIN, SITES, WARD, served
from examples.typed import Terminal
from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.catalog.open import Catalog, KeptCatalog, keeping_catalog, open_catalog
from ops.estate.load.load import keeping_estate, load_estate
from ops.estate.model.own_site import ARCHIVE_SITE
from ops.estate.model.references import reveal
from ops.language.formats import format_date
from ops.language.text import _
from ops.monitor.watch import Watch, make_keeper

_DATABASES = {
    MAIN: "sources/www/du-lieu/cong-xa.sqlite",
    WARD: "sites/phuong-tan-lap/www/du-lieu/tan-lap.sqlite",
    DEPARTMENT: "sites/so-cong-thuong/www/du-lieu/cong-thuong.sqlite",
}
_FIRST = 364
_RECENT = 7, 2, 1
"""Days ago of the last nights that are made; before them every sixtieth, and firsts of months."""

_OUTAGE = 56
_MISSED = _FIRST - 180
"""The night in which the ward's backup fails; the drill of its morning finds what that costs."""

_MADE = (
    "state", "stores", "medium", "scratch", "cache",
    "archive", "archive-private", "archive-second",
)  # fmt: skip
_MARK = "year-is-made"
_ARTICLE = "nuoc-sach"
_SELF = "giucong"


def make_year(folder: Path) -> str:
    """Make the year, unless it is made already; gives what it held, in a few words.

    Raises:
        DemoFailedError: A task ended otherwise than it should.
    """
    mark = folder / "state" / _MARK
    if mark.exists():
        print(_("it is there already; the demo goes on from it"))
        return _("it is there already")
    for name in _MADE:
        remove_tree(folder / name)
    (folder / "stores").mkdir()  # stands for a disk, which would be mounted
    for path in (folder / "keys").glob("*"):
        if path.name != "repository.key":
            path.unlink()
    today = datetime.now(ZONE).date()  # its clock may be of another zone: a night would be missing
    with _keeping_open() as catalog:
        year = _Year(folder, Terminal(folder), today, catalog)
        for moment, work in sorted(year.steps(), key=lambda step: step[0]):
            soon = moved_clock.now() + timedelta(seconds=1)
            moved_clock.move_to(max(moment, soon) if year.is_begun else moment)
            year.is_begun = True
            work()
    mark.touch()
    return year.tell()


def is_made(folder: Path) -> bool:
    """Say whether the year is there already."""
    return (folder / "state" / _MARK).exists()


@contextlib.contextmanager
def _keeping_open() -> Iterator[Catalog]:
    """Read the estate and open the catalog once, as the service does; neither changes meanwhile."""
    estate = load_estate()
    url = reveal(estate.catalog.url)
    opened = open_catalog(url)
    try:
        with (
            keeping_estate(estate),
            keeping_catalog(KeptCatalog(opened.readers, opened.writers, url)),
        ):
            yield opened
    finally:
        opened.close()


@dataclass(slots=True)
class _Year:
    """The year's work.

    Attributes:
        folder: The demo's.
        terminal: Runs tasks.
        today: When the year has just ended.
        catalog: Where it stands; each task opens and closes it, and it stays open.
        is_begun: Whether the clock was moved.
    """

    folder: Path
    terminal: Terminal
    today: date
    catalog: Catalog
    is_begun: bool = False
    _alert: str = ""
    _incident: str = ""
    _watch: Watch | None = field(default=None)
    _counts: dict[str, int] = field(default_factory=dict)

    def at(self, days_ago: int, hour: int, minute: int = 0) -> datetime:
        """Give a moment of the organisation's clock, in UTC."""
        return at(self.today, days_ago, hour, minute)

    def firsts(self) -> list[int]:
        """Give how many days ago this month began, where that is past, and the one before it."""
        began = self.today.replace(day=1)
        before = (began - timedelta(days=1)).replace(day=1)
        return [ago for it in (before, began) if (ago := (self.today - it).days) > max(_RECENT[1:])]

    def nights(self) -> list[int]:
        """Give how many days ago each night is that is made, the oldest first."""
        thinned = range(_FIRST, 90, -60)
        return sorted({*thinned, _MISSED + 1, *self.firsts(), *_RECENT}, reverse=True)

    def steps(self) -> Iterator[Step]:
        """Give what happens, in any order."""
        yield self.at(_FIRST + 1, 8), self.begin
        first, later = list(ROLES)[:2], list(ROLES)[2:]
        yield self.at(_FIRST, 9), partial(self.appoint, first)
        yield self.at(2, 9), partial(self.appoint, later)  # whom the service would find idle
        for night in self.nights():
            yield self.at(night, 22, 30), partial(self.back_up, night)
        yield from self._proofs()
        yield from Papers(self.terminal, self.folder, self.today).steps()
        yield from self._outage()
        machine = MachineYear(self.terminal, self.folder)
        for last in range((_FIRST // DAYS - 1) * DAYS, -1, -DAYS):
            yield self.at(last, 0, 5), partial(self._keep_machine, machine, last)

    def _keep_machine(self, machine: MachineYear, last: int) -> None:
        machine.keep(last, self.today)

    def begin(self) -> None:
        """Make the repositories, and the folder that stands for a removable medium."""
        (self.folder / "medium").mkdir(exist_ok=True)
        self.terminal.type("backup.init")

    def appoint(self, people: Sequence[str]) -> None:
        """Give people credentials and roles; from the third person on two people agree to it."""
        do, alone = self.terminal, next(iter(ROLES))
        for person in people:
            password = str(make_password(self.folder, person))
            add = ("user.add", "--person", person, "--password-file", password)
            do.type(*add) if person == alone else do.agree(*add, "--reason", "Phân công")
            for role in ROLES[person]:
                wish = ("user.role", "--person", person, "--role", role, "--reason", "Phân công")
                do.agree(*wish)

    def back_up(self, night: int) -> None:
        """Let editors work, back every site up, and let go of what the rules let go."""
        for site in SITES:
            self._edit(site, night)
        self._at_once(*(partial(self._back_up_one, site, night) for site in SITES))
        self._count("backup", len(SITES))
        if night in _RECENT[1:]:
            self.terminal.type("backup.run", "--site", _SELF)
        run_asked(self.terminal.estate)
        if night == 1:
            forget = partial(self.terminal.type, "backup.forget", "--site")
            self._at_once(*(partial(forget, site, "--confirm", site) for site in SITES))

    def _at_once(self, *works: Callable[[], object]) -> None:
        """Do it for several sites at the same time, as the service does."""
        self.catalog.close()  # opened again by who needs it: a connection is of one process
        at_once(*works)

    def _back_up_one(self, site: str, night: int) -> None:
        fails = self._fails(site, night)
        whole = ("--full-read",) if night in self.firsts() else ()
        lost = self._lost_database(site) if fails else contextlib.nullcontext()
        with served(self.terminal.estate, only=site), lost:
            self.terminal.type("backup.run", "--site", site, *whole, good=(1, 3) if fails else (0,))

    def _fails(self, site: str, night: int) -> bool:
        return (site, night) in {(WARD, _MISSED), (DEPARTMENT, 1)}

    @contextlib.contextmanager
    def _lost_database(self, site: str) -> Iterator[None]:
        """Have a site's database away for a night, as somebody's move of it would."""
        path = self.folder / _DATABASES[site]
        aside = path.with_name(f"{path.name}.moved")
        path.rename(aside)
        try:
            yield
        finally:
            aside.rename(path)

    def _edit(self, site: str, night: int) -> None:
        """Write an article, as its editors do; the small sites get a picture now and then."""
        day = self.today - timedelta(days=night)
        values = {
            "slug": f"ban-tin-{day:%Y-%m-%d}",
            "title": f"Bản tin ngày {format_date(day)}",
            "body": f"Tin hoạt động, lịch làm việc và thông báo đến ngày {format_date(day)}.\n" * 8,
            "published_at": f"{day:%Y-%m-%d} 17:00:00",
        }
        if site == MAIN:
            values |= {"summary": "Tin trong kỳ.", "category": "Bản tin", "author": "Ban biên tập"}
        row = f"INTO articles ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})"
        with contextlib.closing(sqlite3.connect(self.folder / _DATABASES[site])) as it, it:
            it.execute(f"INSERT OR REPLACE {row}", [*values.values()])
        if site != MAIN and night % 60 == _FIRST % 60:
            media = self.folder / "sites" / site / "www" / "media"
            media.mkdir(exist_ok=True)
            (media / f"anh-{night:03}.png").write_bytes(draw_picture(night))

    def _proofs(self) -> Iterator[Step]:
        """Checks, drills, captures, a copy on a medium."""
        do, month = self.terminal, self.firsts()[0]
        yield self.at(month - 3, 12), partial(self._check, *SITES)
        yield self.at(1, 12), partial(self._check, *SITES, _SELF, ARCHIVE_SITE)
        missed = _MISSED - 1
        yield self.at(243, 9), partial(self._drill, MAIN, DEPARTMENT)
        yield self.at(missed, 9), partial(self._drill, WARD, good=(1,))
        yield self.at(missed, 10), partial(self._back_up_again, WARD)
        yield self.at(missed, 11), partial(self._drill, WARD)
        yield self.at(6, 9, 30), partial(self._drill, MAIN, scope="--file")
        yield self.at(303, 8), lambda: self._capture(MAIN)
        yield self.at(month - 4, 10), lambda: self._capture(*SITES, corrects=True)
        medium = str(self.folder / "medium")
        yield self.at(6, 15), lambda: do.type(
            "backup.export-media", "--to", medium, "--code", "LTO-01", "--kind", "tape",
            "--kept-at", "Két sắt phòng hành chính", "--allow-folder",
        )  # fmt: skip

    def _back_up_again(self, site: str) -> None:
        with served(self.terminal.estate):
            self.terminal.type("backup.run", "--site", site)

    def _check(self, *sites: str) -> None:
        check = partial(self.terminal.type, "backup.check", "--site")
        self._at_once(*(partial(check, site) for site in sites))

    def _drill(self, *sites: str, scope: str = "", good: Container[int] = (0, 3)) -> None:
        """Drill; where the kernel allows no namespaces the task says what was not checked."""
        drill = partial(self.terminal.type, "drill.run", *filter(None, [scope]), good=good)
        self._at_once(*(partial(drill, "--site", site) for site in sites))
        self._count("drill", len(sites))

    def _capture(self, *sites: str, corrects: bool = False) -> None:
        """Archive what portals say; before that, where asked for, an article is corrected."""
        if corrects:
            self.terminal.type("archive.verify", "--all")
            with contextlib.closing(sqlite3.connect(self.folder / _DATABASES[MAIN])) as it, it:
                it.execute(
                    "UPDATE articles SET body = body || ? WHERE slug = ?",
                    ["\nĐính chính: trạm cấp nước vận hành từ tháng sau.", _ARTICLE],
                )
            self._back_up_again(MAIN)
        with served(self.terminal.estate):
            for site in sites:  # one after the other: the archive has one writer
                self.terminal.type("archive.capture", "--site", site)
        self._count("capture", len(sites))
        self.terminal.type("backup.run", "--site", ARCHIVE_SITE)

    def _outage(self) -> Iterator[Step]:
        """The main portal is down for an hour: seen, taken up, entered, mended, concluded."""
        for minute in (0,):
            yield self.at(_OUTAGE, 20, minute), self._probe
        for minute in (2, 3, 4):
            yield self.at(_OUTAGE, 20, minute), lambda: self._probe(but=MAIN)
        yield self.at(_OUTAGE, 20, 9), self._take_up
        for minute in (8, 9):
            yield self.at(_OUTAGE, 21, minute), self._probe
        yield self.at(_OUTAGE, 21, 30), self._conclude

    def _probe(self, but: str = "") -> None:
        """Look at the sites once, as the service does every minute."""
        if self._watch is None:
            estate = self.terminal.estate
            self._watch = Watch(estate, make_keeper(estate), threading.Event())
        with served(self.terminal.estate, but=but):
            self._watch.probe()

    def _take_up(self) -> None:
        do = self.terminal
        alerts = do.read("monitor.alerts")["items"]
        self._alert = next(it["id"] for it in alerts if it["site"] == MAIN)
        do.type("monitor.ack", "--alert", self._alert, "--note", "Đang khởi động lại dịch vụ web")
        title = "Trang xã Bình Minh không truy cập được"
        self._incident = enter(do, "incident", title, "--from-alert", self._alert)

    def _conclude(self) -> None:
        do, entry = self.terminal, ("--id", self._incident)
        do.type("register.update", *entry, "--restored", "--note", "Trang đã hoạt động trở lại")
        do.type("register.close", *entry, "--cause", "Ổ đĩa nhật ký đầy",
                "--result", "Đặt lịch xoay vòng nhật ký, thêm ngưỡng cảnh báo")  # fmt: skip
        if self._watch is not None:  # nobody looks any more, and processes are forked again
            self._watch.close()

    def _count(self, what: str, count: int) -> None:
        self._counts[what] = self._counts.get(what, 0) + count

    def tell(self) -> str:
        """Say what the year held, and give it in a few words."""
        print(
            _(
                "{backups} backups in {nights} nights, {drills} drills, {captures} captures,"
                " an outage, a decided plan"
            ).format(
                backups=self._counts["backup"], nights=len(self.nights()),
                drills=self._counts["drill"], captures=self._counts["capture"],
            )
        )  # fmt: skip
        text = _("{backups} backups, {drills} drills")
        return text.format(backups=self._counts["backup"], drills=self._counts["drill"])
