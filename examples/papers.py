"""What is written in the demo's year: policy, assets, a plan with its decision, duties, entries."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

from examples import moved_clock
from examples.pictures import draw_picture
from examples.served import MAIN
from examples.typed import Terminal
from ops.language.formats import format_date

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_POLICY = 3
_HOUR = 15

Step = tuple[datetime, Callable[[], object]]


def at(today: date, days_ago: int, hour: int, minute: int = 0) -> datetime:
    """Give a moment of the organisation's clock, in UTC."""
    day = today - timedelta(days=days_ago)
    return datetime.combine(day, time(hour, minute), ZONE).astimezone(UTC)


def enter(terminal: Terminal, kind: str, title: str, *flags: str) -> str:
    """Enter something about the main site into the register; gives its id."""
    terminal.type("register.add", "--kind", kind, "--title", title, "--site", MAIN, *flags)
    entries = terminal.read("register.list")["items"]
    return next(str(it["id"]) for it in entries if it["title"] == title)


@dataclass(frozen=True, slots=True)
class Papers:
    """Writes them; `folder` is the demo's, `today` is when the year has just ended."""

    terminal: Terminal
    folder: Path
    today: date

    def steps(self) -> Iterator[Step]:
        """Give what is written, in any order."""
        do, year = self.terminal, self.today.year
        yield self._at(_POLICY), lambda: do.type(
            "duty.policy", "--approve", "--number", "15/QĐ-TTCNTT",
            "--date", format_date(self.today - timedelta(days=_POLICY)),
        )  # fmt: skip
        yield self._at(351), self._enter_assets
        yield self._at(350), lambda: self._draft_plan(year)
        yield self._at(340), lambda: self._decide_plan(year)
        yield self._at(200), lambda: self._carry_out(year)
        for ago, kind, title, result in _ENTRIES:
            yield self._at(ago), partial(self._enter, kind, title, result)
        for ago, duty, document, *flags in _DONE:
            yield self._at(ago), partial(self._record, duty, document, *flags)
        for system in ("trang-ttdt-xa", "trang-ttdt-so"):
            told = ("--duty", "log-review-archive", "--subject", system, "--conclusion",
                    "Không có dấu hiệu bất thường")  # fmt: skip
            yield self._at(self.today.weekday() + 3), partial(do.type, "duty.review", *told)

    def _at(self, days_ago: int) -> datetime:
        return at(self.today, days_ago, _HOUR)

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
        asked = ("--opinion-of", "Sở Tài chính")
        do.type("plan.edit", *of, *asked, "--document", "902/STC-HCSN",
                "--opinion", "Rà soát giá theo báo giá mới nhất")  # fmt: skip
        do.type("plan.edit", *of, *asked, "--answer", "Tiếp thu: giá đã cập nhật theo bảng giá")
        do.type("plan.submit", *of, "--review")
        do.type("plan.submit", *of, "--document", "21/TTr-TTCNTT")

    def _decide_plan(self, year: int) -> None:
        """Keep the scan of the decision, and record what it says; a second person agrees."""
        do, number = self.terminal, "118/QĐ-UBND"
        day = format_date(moved_clock.now().astimezone(ZONE).date())
        scan = self.folder / "scan.png"
        scan.write_bytes(draw_picture(year))
        do.type(
            "document.add", "--file", str(scan), "--title", f"Quyết định phê duyệt kế hoạch {year}",
            "--number", number, "--date", day, "--about", f"plan:{year}",
        )  # fmt: skip
        document = do.read("document.list")["items"][-1]
        *items, last = self._items(year)
        granted = sum(int(it["asked"]) for it in items)
        do.agree(
            "plan.record-decision", "--year", str(year), "--number", number, "--date", day,
            "--signer", "Phó Chủ tịch", "--document", document["id"],
            "--amount", str(granted), "--defer", str(last["number"]),
            "--reason", "Theo quyết định đã ký",
        )  # fmt: skip

    def _carry_out(self, year: int) -> None:
        """Finish what was granted but for the storage: the register of assets is told of each."""
        do, today = self.terminal, moved_clock.now().astimezone(ZONE).date()
        for line in self._items(year):
            if not line["granted"] or line["asset"] == "luu-tru-1":
                continue
            item = ("--year", str(year), "--item", str(line["number"]))
            amount = str(line["granted"])
            do.type("plan.progress", *item, "--contracted", amount, "--document", "31/HĐ",
                    "--done", "Đã thực hiện", "--result", "Hoạt động tốt")  # fmt: skip
            news: tuple[str, ...] = ()
            if line["key"].endswith(":support"):
                news = ("--serial", "SN-2026-0417", "--warranty-until",
                        format_date(today.replace(year=year + 3, day=1)), "--supported-until",
                        format_date(today.replace(year=year + 7, day=1)))  # fmt: skip
            elif line["asset"]:
                news = ("--ends-on", f"31/12/{year + 1}")
            do.type("plan.complete", *item, "--document", "32/BB", *news)
            do.type("plan.progress", *item, "--paid", amount)

    def _items(self, year: int) -> Sequence[Mapping[str, Any]]:
        items: list[dict[str, Any]] = self.terminal.read("plan.show", "--year", str(year))["items"]
        return items

    def _enter(self, kind: str, title: str, result: str) -> None:
        entry = enter(self.terminal, kind, title, "--reporter", "Văn phòng UBND xã")
        if result:
            self.terminal.type("register.close", "--id", entry, "--result", result)

    def _record(self, duty: str, document: str, *flags: str) -> None:
        """Keep the minutes of something done on paper, and state that it was done."""
        day = moved_clock.now().astimezone(ZONE).date()
        scan = self.folder / "scan.png"
        scan.write_bytes(draw_picture(crc32(document.encode())))
        self.terminal.type(
            "document.add", "--file", str(scan), "--title", "Biên bản", "--number", document,
            "--date", format_date(day), "--about", f"duty:{duty}",
        )  # fmt: skip
        of = ("--duty", duty, "--period", day.isoformat())
        self.terminal.type("duty.record", *of, "--document", document, *flags)


_ENTRIES = (
    (310, "support", "Hướng dẫn cán bộ mới đăng tin", "Đã hướng dẫn tại chỗ"),
    (220, "remark", "Ảnh lễ hội hiển thị chậm trên điện thoại", "Đã nén ảnh"),
    (145, "restore", "Khôi phục tệp kế hoạch bị ghi đè", "Đã khôi phục từ bản trước một ngày"),
    (70, "difficulty", "Thiếu kinh phí thay máy chủ sao lưu", ""),
    (9, "remark", "Đề nghị thêm mục hỏi đáp về đất đai", ""),
)
"""Days ago, kind, title, result; without a result it is still open."""

_DONE = (
    (95, "yearly-switch-over", "19/BB-TTCNTT", "--elsewhere",
     "Chạy dự phòng theo kịch bản trên giấy, không qua quy trình của dịch vụ"),
)  # fmt: skip
"""Days ago, duty, number of the document, flags."""

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
