"""A year of the demo's estate, thinned, made in a minute: `python -m examples.year FOLDER`.

Every line of it is written by the tasks and the watch themselves, at moments that the moved clock
gives them (`examples.moved_clock`): backups and their thinning, a failed night, drills, captures,
an outage with its alert and its entry in the register, a plan with its decision. Only what the
watch would have measured is invented: figures of the machine and the minutes of the sites.

Everything is in one list of moments, in order; each is worked off at its own. The year ends last
night. An interrupted one is begun anew.
"""

import contextlib
import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from examples import moved_clock
from examples.asked_jobs import run_asked
from examples.failure import DemoFailedError
from examples.machine_year import MachineYear
from examples.people import ROLES, make_password
from examples.pictures import draw_picture
from examples.served import served
from examples.typed import Terminal
from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.catalog.open import KeptCatalog, keeping_catalog, open_catalog
from ops.errors import OpsError
from ops.estate.load.load import keeping_estate, load_estate
from ops.estate.model.archive_site import ARCHIVE_SITE
from ops.estate.model.references import reveal
from ops.language.formats import format_date
from ops.language.text import _, render_error
from ops.monitor.watch.run import Watch, make_keeper

MAIN, WARD, DEPARTMENT = SITES = ("cong-xa", "phuong-tan-lap", "so-cong-thuong")
_DATABASES = {
    MAIN: "sources/www/du-lieu/cong-xa.sqlite",
    WARD: "sites/phuong-tan-lap/www/du-lieu/tan-lap.sqlite",
    DEPARTMENT: "sites/so-cong-thuong/www/du-lieu/cong-thuong.sqlite",
}
_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_FIRST = 364
_NIGHTS = (*range(_FIRST, 90, -40), 35, 14, 7, 2, 1)
"""Days ago of the nights that are made: a few weeks apart, then a week, then one."""

_OUTAGE = 56
_MISSED = _FIRST - 160
"""The night in which the ward's backup fails; the drill of its morning finds what that costs."""

_MADE = "state", "stores", "scratch", "cache", "archive", "archive-private", "archive-second"
_MARK = "year-is-made"
_ARTICLE = "nuoc-sach"

Step = tuple[datetime, Callable[[], object]]


def main() -> None:
    """Make the year of the demo in the folder named."""
    try:
        make_year(Path(sys.argv[1]))
    except OpsError as error:
        sys.exit(render_error(error))
    except DemoFailedError as error:
        sys.exit(str(error))


def make_year(folder: Path) -> None:
    """Make the year, unless it is made already.

    Raises:
        DemoFailedError: A task ended otherwise than it should.
    """
    mark = folder / "state" / _MARK
    if mark.exists():
        print(_("it is there already; the demo goes on from it"))
        return
    for name in _MADE:
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "stores").mkdir()  # stands for a disk, which would be mounted
    for path in (folder / "keys").glob("*"):
        if path.name != "repository.key":
            path.unlink()
    os.environ["GIUCONG_ESTATE"] = str(folder / "estate.toml")
    year = _Year(folder, Terminal(folder), date.today())  # noqa: DTZ011 - this machine's day
    with _keeping_open():
        for moment, work in sorted(year.steps(), key=lambda step: step[0]):
            moved_clock.move_to(max(moment, moved_clock.now()) if year.is_begun else moment)
            year.is_begun = True
            work()
        year.close()
    mark.touch()
    year.tell()


@contextlib.contextmanager
def _keeping_open() -> Iterator[None]:
    """Read the estate and open the catalog once, as the service does; neither changes meanwhile."""
    estate = load_estate()
    url = reveal(estate.catalog.url)
    opened = open_catalog(url)
    try:
        with (
            keeping_estate(estate),
            keeping_catalog(KeptCatalog(opened.readers, opened.writers, url)),
        ):
            yield
    finally:
        opened.close()


@dataclass(slots=True)
class _Year:
    """The year's work.

    Attributes:
        folder: The demo's.
        terminal: Runs tasks.
        today: When the year has just ended.
        is_begun: Whether the clock was moved.
    """

    folder: Path
    terminal: Terminal
    today: date
    is_begun: bool = False
    _alert: str = ""
    _incident: str = ""
    _watch: Watch | None = field(default=None)
    _counts: dict[str, int] = field(default_factory=dict)

    def at(self, days_ago: int, hour: int, minute: int = 0) -> datetime:
        """Give a moment of the organisation's clock, in UTC."""
        day = self.today - timedelta(days=days_ago)
        return datetime.combine(day, time(hour, minute), _ZONE).astimezone(UTC)

    def steps(self) -> Iterator[Step]:
        """Give what happens, in any order."""
        yield self.at(_FIRST + 1, 8), self.begin
        first, later = list(ROLES)[:2], list(ROLES)[2:]
        yield self.at(_FIRST, 9), partial(self.appoint, first)
        yield self.at(2, 9), partial(self.appoint, later)  # whom the service would find idle
        for night in _NIGHTS:
            yield self.at(night, 22, 30), partial(self.back_up, night)
        yield from self._proofs()
        yield from self._papers()
        yield from self._outage()
        machine = MachineYear(self.terminal, self.folder)
        for last in range(_FIRST - 4, -1, -5):
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
        with served(self.terminal.estate):
            for site in SITES:
                with self._lost_database(site) if self._fails(site, night) else _nothing():
                    good = (1, 3) if self._fails(site, night) else (0,)
                    self.terminal.type("backup.run", "--site", site, good=good)
                self._count("backup")
        run_asked(self.terminal.estate)
        if night in {35, 1}:
            for site in SITES:
                self.terminal.type("backup.forget", "--site", site, "--confirm", site)

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
        if site != MAIN and night % 40 == _FIRST % 40:
            media = self.folder / "sites" / site / "www" / "media"
            media.mkdir(exist_ok=True)
            (media / f"anh-{night:03}.png").write_bytes(draw_picture(night))

    def _proofs(self) -> Iterator[Step]:
        """Checks, drills, captures, a copy on a medium."""
        do = self.terminal
        for ago in (160, 6):
            yield self.at(ago, 12), partial_each(self._type, "backup.check", SITES)
        for ago, site in ((243, MAIN), (_MISSED - 1, WARD), (34, DEPARTMENT)):
            yield (
                self.at(ago, 9),
                partial(self._drill, "--site", site, good=(1,) if ago == _MISSED - 1 else (0, 3)),
            )
        yield self.at(6, 9, 30), lambda: self._drill("--site", MAIN, "--file")
        yield self.at(303, 8), lambda: self._capture(corrects=False)
        yield self.at(123, 10), lambda: self._capture(corrects=True)
        medium = str(self.folder / "medium")
        yield self.at(60, 15), lambda: do.type(
            "backup.export-media", "--to", medium, "--code", "HDD-01", "--allow-folder",
            "--kept-at", "Két sắt phòng hành chính",
        )  # fmt: skip

    def _type(self, task: str, site: str) -> None:
        self.terminal.type(task, "--site", site)
        self._count(task)

    def _drill(self, *flags: str, good: Container[int] = (0, 3)) -> None:
        """Drill; where the kernel allows no namespaces the task says what was not checked."""
        self.terminal.type("drill.run", *flags, good=good)
        self._count("drill")

    def _capture(self, *, corrects: bool) -> None:
        """Archive what the portal says; before that, where asked for, an article is corrected."""
        if corrects:
            with contextlib.closing(sqlite3.connect(self.folder / _DATABASES[MAIN])) as it, it:
                it.execute(
                    "UPDATE articles SET body = body || ? WHERE slug = ?",
                    ["\nĐính chính: trạm cấp nước vận hành từ tháng sau.", _ARTICLE],
                )
            with served(self.terminal.estate):
                self.terminal.type("backup.run", "--site", MAIN)
        self.terminal.type("archive.capture", "--site", MAIN)
        self.terminal.type("backup.run", "--site", ARCHIVE_SITE)
        self._count("capture")

    def _papers(self) -> Iterator[Step]:
        """Policy, assets, last year's plan, duties, the register."""
        do, year = self.terminal, self.today.year
        yield self.at(100, 9), lambda: do.type(
            "duty.policy", "--approve", "--number", "15/QĐ-TTCNTT",
            "--date", format_date(self.today - timedelta(days=100)),
        )  # fmt: skip
        yield self.at(351, 9), self._enter_assets
        yield self.at(350, 9), lambda: self._draft_plan(year)
        yield self.at(340, 15), lambda: self._decide_plan(year)
        yield self.at(200, 9), lambda: self._carry_out(year)
        for ago, kind, title, result in _ENTRIES:
            yield self.at(ago, 10), partial(self._enter, kind, title, result)
        for ago, duty, document in _DONE:
            yield self.at(ago, 16), partial(self._record, duty, document)

    def _enter_assets(self) -> None:
        sheet = self.folder / "assets.csv"
        lines = [",".join(_ASSET_HEADS)]
        lines += [it.format(last=self.today.year, next=self.today.year + 1) for it in _ASSETS]
        sheet.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.terminal.type("asset.import", "--file", str(sheet))

    def _draft_plan(self, year: int) -> None:
        """Draft the year's plan from what is known, and hand it in."""
        do, of = self.terminal, ("--year", str(year))
        do.type("plan.draft", *of)
        do.type("plan.submit", *of, "--review")
        do.type("plan.submit", *of, "--document", "21/TTr-TTCNTT")

    def _decide_plan(self, year: int) -> None:
        """Keep the scan of the decision, and record what it says; a second person agrees."""
        do, number = self.terminal, "118/QĐ-SKHCN"
        day = format_date(moved_clock.now().astimezone(_ZONE).date())
        scan = self.folder / "scan.png"
        scan.write_bytes(draw_picture(year))
        do.type(
            "document.add", "--file", str(scan), "--title", f"Quyết định phê duyệt kế hoạch {year}",
            "--number", number, "--date", day, "--about", f"plan:{year}",
        )  # fmt: skip
        document = do.read("document.list")["items"][-1]
        items = self._items(year)
        put_off = ("--defer", str(items[-1])) if len(items) > 1 else ()
        do.agree(
            "plan.record-decision", "--year", str(year), "--number", number, "--date", day,
            "--signer", "Giám đốc Sở", "--document", document["id"], *put_off,
            "--reason", "Theo quyết định đã ký",
        )  # fmt: skip

    def _carry_out(self, year: int) -> None:
        """Finish one item of the plan; the rest is open when the next one is drafted."""
        first, of = str(self._items(year)[0]), ("--year", str(year))
        self.terminal.type("plan.progress", *of, "--item", first, "--done", "Đã thực hiện",
                           "--result", "Hoạt động tốt", "--document", "31/BB")  # fmt: skip

    def _items(self, year: int) -> Sequence[int]:
        shown = self.terminal.read("plan.show", "--year", str(year))["items"]
        return [it["number"] for it in shown]

    def _enter(self, kind: str, title: str, result: str) -> None:
        entry = self._enter_as(kind, title, "--reporter", "Văn phòng UBND xã")
        if result:
            self.terminal.type("register.close", "--id", entry, "--result", result)

    def _enter_as(self, kind: str, title: str, *flags: str) -> str:
        """Enter something about the main site into the register; gives its id."""
        entry = ("--kind", kind, "--title", title, "--site", MAIN)
        self.terminal.type("register.add", *entry, *flags)
        entries = self.terminal.read("register.list")["items"]
        return next(str(it["id"]) for it in entries if it["title"] == title)

    def _record(self, duty: str, document: str) -> None:
        day = moved_clock.now().astimezone(_ZONE).date().isoformat()
        self.terminal.type("duty.record", "--duty", duty, "--period", day, "--document", document)

    def _outage(self) -> Iterator[Step]:
        """The main portal is down for an hour: seen, taken up, entered, mended, concluded."""
        for minute in (0, 1):
            yield self.at(_OUTAGE, 20, minute), self._probe
        for minute in (2, 3, 4, 5):
            yield self.at(_OUTAGE, 20, minute), lambda: self._probe(but=MAIN)
        yield self.at(_OUTAGE, 20, 9), self._take_up
        for minute in (8, 9, 10):
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
        self._incident = self._enter_as("incident", title, "--from-alert", self._alert)

    def _conclude(self) -> None:
        do, entry = self.terminal, ("--id", self._incident)
        do.type("register.update", *entry, "--restored", "--note", "Đã chạy lại")
        do.type("register.close", *entry, "--cause", "Ổ đĩa nhật ký đầy",
                "--result", "Đặt lịch xoay vòng nhật ký, thêm ngưỡng cảnh báo")  # fmt: skip

    def close(self) -> None:
        """Close what the watch has open."""
        if self._watch is not None:
            self._watch.close()

    def _count(self, what: str) -> None:
        self._counts[what] = self._counts.get(what, 0) + 1

    def tell(self) -> None:
        """Say what the year held, and prove that its journal holds together."""
        print(
            _(
                "{backups} backups in {nights} nights, {drills} drills, {captures} captures,"
                " an outage, a decided plan"
            ).format(
                backups=self._counts["backup"], nights=len(_NIGHTS),
                drills=self._counts["drill"], captures=self._counts["capture"],
            )
        )  # fmt: skip


def partial_each(
    work: Callable[[str, str], None], task: str, sites: Sequence[str]
) -> Callable[[], None]:
    """Give what does a task at each site."""

    def run() -> None:
        for site in sites:
            work(task, site)

    return run


@contextlib.contextmanager
def _nothing() -> Iterator[None]:
    yield


_ENTRIES = (
    (310, "support", "Hướng dẫn cán bộ mới đăng tin", "Đã hướng dẫn tại chỗ"),
    (220, "remark", "Ảnh lễ hội hiển thị chậm trên điện thoại", "Đã nén ảnh"),
    (145, "restore", "Khôi phục tệp kế hoạch bị ghi đè", "Đã khôi phục từ bản trước một ngày"),
    (70, "difficulty", "Thiếu kinh phí thay máy chủ sao lưu", ""),
    (9, "remark", "Đề nghị thêm mục hỏi đáp về đất đai", ""),
)
"""Days ago, kind, title, result; without a result it is still open."""

_DONE = (
    (300, "yearly-review", "02/BC-TTCNTT"),
    (110, "keys-apart", "07/BB-TTCNTT"),
    (95, "yearly-switch-over", "19/BB-TTCNTT"),
)
"""Days ago, duty, number of the document."""

_ASSET_HEADS = ("mã", "loại", "tên", "tình trạng", "người quản lý", "ngày mua",
                "hết bảo hành", "hết hỗ trợ", "nguyên giá")  # fmt: skip
_ASSETS = (
    "mc-web-1,server,Máy chủ web,in-use,nva,2019-05-10,2022-05-10,{last}-06-30,165000000",
    "mc-sao-luu,server,Máy chủ sao lưu,in-use,nva,2020-03-02,2023-03-02,{next}-03-31,142000000",
    "mc-csdl,server,Máy chủ cơ sở dữ liệu,in-use,nva,2023-08-15,2028-08-15,2031-08-15,198000000",
    "luu-tru-1,storage,Thiết bị lưu trữ,in-use,nva,2021-01-20,2024-01-20,{last}-12-31,88000000",
    "ups-1,ups,Bộ lưu điện,in-use,nva,2020-06-01,2022-06-01,{next}-06-30,13500000",
    "ten-mien,domain,dongnai.example.vn,in-use,nva,2015-01-01,,{next}-01-31,350000",
)

if __name__ == "__main__":
    main()
