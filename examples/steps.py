"""What each step of the demo does, with the operator's own tasks, and the figures it gives.

A step runs in a process of its own. It prints what somebody would type and all that is answered;
what it gives is a few words with the figures that prove it, read back from what was recorded.
"""

import contextlib
import html
import re
import shlex
import shutil
import sqlite3
import threading
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from examples import kept
from examples.compare import compare_databases, compare_trees, count_files
from examples.estate import build_estate
from examples.failure import DemoFailedError
from examples.people import OPERATOR
from examples.served import MAIN, SITES, served
from examples.typed import Terminal
from examples.year import make_year
from ops.catalog.open import open_catalog
from ops.catalog.tables.core import Run
from ops.estate.load.load import load_estate
from ops.estate.model.own_site import ARCHIVE_SITE
from ops.estate.model.references import reveal
from ops.language.formats import format_duration, format_size
from ops.language.text import N_, _
from ops.monitor.watch import Watch, make_keeper

_DATABASE = "du-lieu/cong-xa.sqlite"
_ARTICLE = "nuoc-sach"
_INCOMPLETE = 3
_LIVE_DATABASE = frozenset({_DATABASE, f"{_DATABASE}-wal", f"{_DATABASE}-shm"})
_DRILL = {"ok": N_("passed"), "incomplete": N_("passed in part")}


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps, each a method; `folder` is the demo's."""

    folder: Path

    def build(self) -> str:
        """Build the example."""
        files, size = build_estate(self.folder)
        return _("{files} files, {size}").format(files=files, size=format_size(size))

    def live(self) -> str:
        """Make the year; the clock is moved in this process alone."""
        return make_year(self.folder)

    def check_estate(self) -> str:
        """Check the estate file."""
        self._type("estate.check")
        return _("no mistake in it")

    def back_up(self, site: str = MAIN) -> str:
        """Back the site up while it is served, so that its pages are noted for the drill."""
        with served(load_estate()):
            self._type("backup.run", "--site", site)
        told = self._newest("backup")
        size = format_size(told["processed_bytes"])
        return _("{files} files, {size}").format(files=told["files"], size=size)

    def back_up_again(self) -> str:
        """Back up what has not changed."""
        self.back_up()
        told = self._newest("backup")
        return _("{size} were added").format(size=format_size(told["added_packed_bytes"]))

    def read_back(self) -> str:
        """Read every byte of the repository."""
        self._type("backup.check", "--site", MAIN, "--read-data")
        told = self._newest("check")
        text = _("{size}, {count} packs, none damaged")
        return text.format(size=format_size(told["bytes_read"]), count=told["packs_read"])

    def restore(self) -> str:
        """Restore into a folder of its own."""
        target = self.folder / "restored"
        shutil.rmtree(target, ignore_errors=True)
        self._type("backup.restore", "--site", MAIN, "--target", kept.shown(target))
        files, size = count_files(target, leave_out=frozenset())
        return _("{files} files, {size}").format(files=files, size=format_size(size))

    def compare(self) -> str:
        """Compare the restored copy with the original."""
        return compare_restored(self.folder)

    def rehearse(self) -> str:
        """Drill; where the kernel allows no namespaces the task says what was not checked."""
        self._type("drill.run", "--site", MAIN, good=(0, _INCOMPLETE))
        drill = self._read("drill.list")["items"][0]
        took = format_duration(timedelta(seconds=drill["rto_seconds"]))
        text = _("{verdict}: back after {duration}")
        return text.format(verdict=_(_DRILL[drill["outcome"]]), duration=took)

    def archive(self) -> str:
        """Archive what the portal says."""
        self._type("archive.capture", "--site", MAIN)
        told = self._newest("archive")
        text = _("{count} items: {new} new, {changed} changed")
        return text.format(count=told["seen"], new=told["new"], changed=told["changed"])

    def correct(self) -> str:
        """Correct an article in the portal's live database, as its editor would."""
        database = self.folder / "sources" / "www" / _DATABASE
        now = datetime.now().astimezone().strftime("%d/%m/%Y %H:%M:%S")
        with contextlib.closing(sqlite3.connect(database)) as connection, connection:
            changed = connection.execute(
                "UPDATE articles SET body = body || ? WHERE slug = ?",
                [f"\nĐính chính lúc {now}: trạm phục vụ 632 hộ dân.", _ARTICLE],
            )
            if changed.rowcount != 1:
                raise DemoFailedError(_("the portal has no article {name}").format(name=_ARTICLE))
        self.back_up()
        return self.archive()

    def find_versions(self) -> str:
        """Find what was corrected, by words without marks, and all that it said before."""
        self._type("archive.search", "--text", "nuoc sach suoi da")
        url = f"{load_estate().site(MAIN).url}/chi-tiet.php?bai={_ARTICLE}"
        self._type("archive.show", "--id", url)
        versions = self._read("archive.show", "--id", url)["items"][0]["versions"]
        return _("{count} versions of an article").format(count=len(versions))

    def verify_archive(self) -> str:
        """Read the archive and its copies back."""
        self._type("archive.verify", "--all")
        places = self._newest("archive-check")["places"]
        count, damaged = (sum(it[name] for it in places) for name in ("read", "damaged"))
        text = _("{count} items read back, {damaged} damaged")
        return text.format(count=count, damaged=damaged)

    def back_up_archive(self) -> str:
        """Back the archive itself up."""
        return self.back_up(ARCHIVE_SITE)

    def look(self) -> str:
        """Look once; a machine that is busy or full at the moment is no failure of the demo."""
        with served(load_estate()):
            told = self._type("monitor.check", good=(0, 1))
        lines = [it.split() for it in told.splitlines()]
        count = sum(it[0] in SITES and "200" in it for it in lines if it)
        return _("{count}/{all} sites answer with 200").format(count=count, all=len(SITES))

    def go_down(self) -> str:
        """Let the watch look while the portal is there, while it is not, and when it is back."""
        estate = load_estate()
        watch = Watch(estate, make_keeper(estate), threading.Event())
        try:
            with served(estate):
                watch.look()
            watch.probe()
            self._type("monitor.alerts", good=(1,))
            down = {it["id"] for it in self._alerts() if it["code"] == "site_down"}
            with served(estate):
                watch.look()
            self._type("monitor.alerts", "--all", good=(0, 1))
            up = {it["id"] for it in self._alerts("--all") if it["closed_at"]}
        finally:
            watch.close()
        of_a_day = ("--site", MAIN, "--metric", "probe_up", "--days", "1")
        self._type("monitor.chart", *of_a_day)
        text = _("{opened} alerts opened, {closed} closed")
        return text.format(opened=len(down), closed=len(down & up))

    def audit(self) -> str:
        """Audit this machine and the site's text: what takes seconds; Lynis would take a minute."""
        quick = ("ports", "keys", "sudoers", "accounts", "clock", "unicode")
        only = [word for tool in quick for word in ("--only", tool)]
        self._type("security.audit", *only, good=(0, _INCOMPLETE))
        self._type("security.findings", "--compliance")
        told = self._newest("security-audit")
        text = _("{looks} looks: {count} findings open")
        return text.format(looks=told["looks"], count=told["open"])

    def plan_and_report(self) -> str:
        """Draft what is needed next year, each item with its evidence; write the papers of both."""
        year = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).year
        out = ("--out", kept.shown(self.folder / "papers"))
        self._type("plan.draft", "--year", str(year + 1))
        self._type("plan.show", "--year", str(year + 1), *out)
        self._type("report.annual", "--year", str(year), *out)
        self._type("report.make", "--kind", "plan-progress", "--year", str(year), *out)
        (incident, *_others) = self._read("register.list", "--kind", "incident", "--all")["items"]
        self._type("report.make", "--kind", "incident-end", "--of", incident["called"], *out)
        items = self._read("plan.show", "--year", str(year + 1))["items"]
        papers = len([*(self.folder / "papers").iterdir()])
        text = _("{count} items, {papers} papers")
        return text.format(count=len(items), papers=papers)

    def tell_status(self) -> str:
        """Say how everything stands."""
        self._type("backup.status", good=(0, 1))
        good = meeting_the_rule(self._read("backup.status")["items"])
        text = _("{count}/{all} sites meet 3-2-1-1-0")
        return text.format(count=len({*good} & {*SITES}), all=len(SITES))

    def verify_journal(self) -> str:
        """Prove that the journal holds together."""
        self._type("service.journal-verify", good=(0, _INCOMPLETE))
        rows = self._read("service.journal-verify")["rows"]
        return _("{count} rows hold together").format(count=rows)

    def open_console(self) -> str:
        """Start service and console, and log in as a person does."""
        listen = kept.start(self.folder)
        page, _cookie = kept.log_in(self.folder, listen)
        headline = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
        title = html.unescape(re.sub(r"<[^>]*>", "", headline[1])).strip() if headline else ""
        text = _("{person} has logged in at {address}; the first page: {title}")
        print(text.format(person=OPERATOR, address=f"http://{listen}/", title=title))
        return _("{person} is at “{title}”").format(person=OPERATOR, title=title)

    def _type(self, name: str, *flags: str, good: Container[int] = (0,)) -> str:
        """Run a task, shown as somebody would type it."""
        print(f"$ fab {shlex.join((name, *flags))}", flush=True)
        told = Terminal(self.folder).type(name, *flags, good=good)
        print(told, end="")
        return told

    def _read(self, name: str, *flags: str) -> Any:
        return Terminal(self.folder).read(name, *flags)

    def _alerts(self, *flags: str) -> Sequence[Mapping[str, Any]]:
        found: list[dict[str, Any]] = self._read("monitor.alerts", *flags)["items"]
        return found

    def _newest(self, kind: str) -> Mapping[str, Any]:
        """Give what the newest run of a kind has recorded."""
        runs = select(Run.summary).where(Run.kind == kind).order_by(Run.started_at.desc())
        with open_catalog(reveal(load_estate().catalog.url)) as it, it.reading() as session:
            found: dict[str, Any] = session.execute(runs.limit(1)).scalar_one()
        return found


def meeting_the_rule(sites: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give which sites of `backup.status` meet every part of 3-2-1-1-0."""
    return [
        it["name"]
        for it in sites
        if it["rule"] and all(part["outcome"] == "ok" for part in it["rule"])
    ]


def compare_restored(folder: Path) -> str:
    """Compare bytes, owners, modes, times, attributes and links; the database row by row."""
    sources, restored = folder / "sources", folder / "restored" / MAIN
    differences = [
        *compare_trees(sources / "www", restored / "files" / "www", leave_out=_LIVE_DATABASE),
        *compare_trees(sources / "config", restored / "files" / "config", leave_out=frozenset()),
        *compare_databases(sources / "www" / _DATABASE, restored / "databases" / "db.sqlite"),
    ]
    if differences:
        raise DemoFailedError(
            _("the restored copy differs from the original:") + "\n" + "\n".join(differences)
        )
    files, size = count_files(
        sources, leave_out=frozenset(f"www/{path}" for path in _LIVE_DATABASE)
    )
    print(
        _(
            "equal: {files} files, {size}, in every byte, owner, mode, time, attribute and link"
        ).format(files=files, size=format_size(size))
    )
    print(_("equal: the database, row by row"))
    return _("equal: {files} files and every row").format(files=files)
