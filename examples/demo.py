"""`make demo`: builds a small estate and runs the main job on it, with the operator's own tasks.

Everything lies in one folder, `var/demo`. Running it again goes on from there: the site and the key
stay, the backups are added to, the restored copy is made anew.
"""

import contextlib
import html
import os
import re
import secrets
import shlex
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Container
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from examples import kept
from examples.compare import compare_databases, compare_trees, count_files
from examples.failure import DemoFailedError
from examples.people import OPERATOR, ROLES, factor_of, password_of
from examples.portal import build_site, build_small_site
from examples.served import served
from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.access.factors import totp_address
from ops.access.identity import login_at_terminal
from ops.access.rights import ROLES as ROLE_TITLES
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.estate.model.archive_site import ARCHIVE_SITE
from ops.language.formats import format_size
from ops.language.text import _, render_error
from ops.monitor.watch.run import Watch, make_keeper
from ops.terminal.output import text_width

_FAB = Path(sys.executable).with_name("fab")
_SITE = "cong-xa"
_DATABASE = "du-lieu/cong-xa.sqlite"
_ARTICLE = "nuoc-sach"
_SMALL_SITES = {"phuong-tan-lap": "tan-lap.sqlite", "so-cong-thuong": "cong-thuong.sqlite"}
_INCOMPLETE = 3
_LIVE_DATABASE = frozenset({_DATABASE, f"{_DATABASE}-wal", f"{_DATABASE}-shm"})


def main() -> None:
    """Run the demo in the folder named on the command line, or in `var/demo`; `--keep` keeps it."""
    words = [it for it in sys.argv[1:] if it != "--keep"]
    folder = Path(words[0]).resolve() if words else kept.DEMO
    try:
        run_demo(folder, keep="--keep" in sys.argv)
    except (DemoFailedError, OpsError) as error:
        kept.stop(folder)
        sys.exit(render_error(error) if isinstance(error, OpsError) else str(error))
    except KeyboardInterrupt:
        kept.stop(folder)
        sys.exit(130)


def run_demo(folder: Path, *, keep: bool = False) -> None:
    """Build the estate and its year, run the main job on it, and say what lies where.

    Args:
        folder: Where all of it lies.
        keep: Leave service and console running.

    Raises:
        DemoFailedError: A task ended with an error, or the restored copy differs.
    """
    kept.stop(folder)  # of a demo before, at these ports
    steps: list[tuple[str, Callable[[Path], None]]] = [
        (_("Build the example: three portals, a key, an estate file"), build_estate),
        (_("Live through a year, thinned: the tasks themselves, with a moved clock"), _live_a_year),
        (_("Check the estate file"), _task("estate.check")),
        (_("Back up"), _back_up),
        (_("Back up again, with nothing changed"), _back_up),
        (
            _("Read every stored byte back"),
            _task("backup.check", "--site", _SITE, "--read-data"),
        ),
        (_("Restore into a folder of its own"), _restore),
        (_("Compare the restored copy with the original"), compare_restored),
        (
            _("Rehearse a restore, apart from everything: the site is started and its pages read"),
            _rehearse,
        ),
        (_("Archive what the portal says, from its newest backup"), _archive),
        (_("An article is corrected on the portal; back up and archive again"), _correct),
        (_("Find both versions of it, by words without marks"), _find_versions),
        (
            _("Bring the plain copy up to date; read the archive and its copies back"),
            _task("archive.verify", "--all"),
        ),
        (_("Back the archive itself up, as every site is"), _back_up_archive),
        (_("Look at this machine and at the portals, as the service does every minute"), _look),
        (_("The portal goes down and comes back: an alert is opened, and closed"), _go_down),
        (_("Look at this machine for what is unsafe, and show what that proves"), _look_around),
        (_("Draft next year's plan, and write this year's report"), _plan_and_report),
        (_("The state of things"), _task("backup.status", good=(0, 1))),
        (
            _("Prove that the journal holds together"),
            _task("service.journal-verify", good=(0, _INCOMPLETE)),
        ),
        (_("Open the console: log in with password and code, read the first page"), _open_console),
    ]
    for number, (title, step) in enumerate(steps, start=1):
        _head(f"── {number}/{len(steps)} · {title}")
        step(folder)
    if not keep:
        kept.stop(folder)
    _summarise(folder, keep=keep)


def build_estate(folder: Path) -> None:
    """Build the site, a random key that only its owner can read, and the estate file.

    What exists already stays: a new key would make the old backups unreadable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    build_site(folder / "sources")
    (folder / "sites").mkdir(exist_ok=True)
    for name, database in _SMALL_SITES.items():
        build_small_site(folder / "sites" / name, database)
    (folder / "stores").mkdir(exist_ok=True)  # stands for a disk, which would be mounted
    keys = folder / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    _write_key(keys / "repository.key")
    shutil.copyfile(
        kept.ROOT / "examples" / "commune_portal" / "archive.toml", folder / "archive.toml"
    )
    small = kept.ROOT / "examples" / "small_portals" / "archive.toml"
    shutil.copyfile(small, folder / "small.toml")
    shutil.copyfile(kept.ROOT / "examples" / "prices.csv", folder / "prices.csv")
    if not (folder / "estate.toml").exists():
        _write_estate(folder / "estate.toml")
    files, size = count_files(folder / "sources", leave_out=frozenset())
    print(
        _("{files} files, {size}: {path}").format(
            files=files, size=format_size(size), path=_shown(folder)
        )
    )


def _write_key(path: Path) -> None:
    """Write a new random key of 256 bits, as one line of text, unless there is one."""
    if path.exists():
        return
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    unfinished.rename(path)


def _write_estate(path: Path) -> None:
    """Write the estate with a free port for each site."""
    text = (kept.ROOT / "examples" / "demo_estate.toml").read_text(encoding="utf-8")
    text = text.replace("LOGIN", login_at_terminal())
    while "PORT" in text:
        text = text.replace("PORT", str(kept.find_port()), 1)
    path.write_text(text, encoding="utf-8")


def _task(name: str, *flags: str, good: Container[int] = (0,)) -> Callable[[Path], None]:
    """Give a step that runs one of the operator's tasks, shown as somebody would type it."""

    def run(folder: Path) -> None:
        print(f"$ fab {shlex.join((name, *flags))}", flush=True)
        environment = {**os.environ, "GIUCONG_ESTATE": str(folder / "estate.toml")}
        ended = subprocess.run([_FAB, name, *flags], cwd=kept.ROOT, env=environment, check=False)
        if ended.returncode not in good:
            raise DemoFailedError(
                _("the demo stops: `fab {task}` ended with exit code {code}").format(
                    task=name, code=ended.returncode
                )
            )

    return run


def _live_a_year(folder: Path) -> None:
    """Make the year in a process of its own, whose clock is moved."""
    command = [sys.executable, "-m", "examples.year", str(folder)]
    ended = subprocess.run(command, cwd=kept.ROOT, check=False)
    if ended.returncode:
        raise DemoFailedError(_("the demo stops: the year could not be made"))


def _open_console(folder: Path) -> None:
    """Start service and console, and log in as a person does."""
    listen = kept.start(folder)
    page, _cookie = kept.log_in(folder, listen)
    headline = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
    shown = html.unescape(re.sub(r"<[^>]*>", "", headline[1])).strip() if headline else ""
    text = _("{person} has logged in at {address}; the first page: {title}")
    print(text.format(person=OPERATOR, address=f"http://{listen}/", title=shown))


def _back_up(folder: Path) -> None:
    """Back the site up while it is served, so that its pages are noted for the drill."""
    with served(load_estate(folder / "estate.toml")):
        _task("backup.run", "--site", _SITE)(folder)


def _look(folder: Path) -> None:
    """Look once; a machine that is busy or full at the moment is no failure of the demo."""
    with served(load_estate(folder / "estate.toml")):
        _task("monitor.check", good=(0, 1))(folder)


def _go_down(folder: Path) -> None:
    """Let the watch look while the portal is there, while it is not, and when it is back."""
    os.environ["GIUCONG_ESTATE"] = str(folder / "estate.toml")  # whom an alert is told, it says
    estate = load_estate()
    watch = Watch(estate, make_keeper(estate), threading.Event())
    try:
        with served(load_estate(folder / "estate.toml")):
            watch.look()
        watch.probe()
        _task("monitor.alerts", good=(1,))(folder)
        with served(load_estate(folder / "estate.toml")):
            watch.look()
        _task("monitor.alerts", "--all", good=(0, 1))(folder)
    finally:
        watch.close()
    _task("monitor.chart", "--site", _SITE, "--metric", "probe_up", "--days", "1")(folder)


def _archive(folder: Path) -> None:
    _task("archive.capture", "--site", _SITE)(folder)


def _correct(folder: Path) -> None:
    """Correct an article in the portal's live database, as its editor would."""
    database = folder / "sources" / "www" / _DATABASE
    now = datetime.now().astimezone().strftime("%d/%m/%Y %H:%M:%S")
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        changed = connection.execute(
            "UPDATE articles SET body = body || ? WHERE slug = ?",
            [f"\nĐính chính lúc {now}: trạm phục vụ 632 hộ dân.", _ARTICLE],
        )
        if changed.rowcount != 1:
            raise DemoFailedError(_("the portal has no article {name}").format(name=_ARTICLE))
    _back_up(folder)
    _archive(folder)


def _find_versions(folder: Path) -> None:
    _task("archive.search", "--text", "nuoc sach suoi da")(folder)
    url = load_estate(folder / "estate.toml").site(_SITE).url
    _task("archive.show", "--id", f"{url}/chi-tiet.php?bai={_ARTICLE}")(folder)


def _back_up_archive(folder: Path) -> None:
    _task("backup.run", "--site", ARCHIVE_SITE)(folder)


def _look_around(folder: Path) -> None:
    """Audit this machine and the site's text: what takes seconds; Lynis would take a minute."""
    quick = ("ports", "keys", "sudoers", "accounts", "clock", "unicode")
    only = [word for tool in quick for word in ("--only", tool)]
    _task("security.audit", *only, good=(0, _INCOMPLETE))(folder)
    _task("security.findings", "--compliance")(folder)


def _plan_and_report(folder: Path) -> None:
    """Draft what is needed next year, each item with its evidence; write the papers of both."""
    year, papers = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).year, _shown(folder / "papers")
    _task("plan.draft", "--year", str(year + 1))(folder)
    _task("plan.show", "--year", str(year + 1), "--out", papers)(folder)
    _task("report.annual", "--year", str(year), "--out", papers)(folder)


def _rehearse(folder: Path) -> None:
    """Drill; where the kernel allows no namespaces the task itself says what was not checked."""
    _task("drill.run", "--site", _SITE, good=(0, _INCOMPLETE))(folder)


def _restore(folder: Path) -> None:
    target = folder / "restored"
    shutil.rmtree(target, ignore_errors=True)
    _task("backup.restore", "--site", _SITE, "--target", _shown(target))(folder)


def compare_restored(folder: Path) -> None:
    """Compare bytes, owners, modes, times, attributes and links; the database row by row."""
    sources, restored = folder / "sources", folder / "restored" / _SITE
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


def _summarise(folder: Path, *, keep: bool) -> None:
    """Say where every result lies and how to go on."""
    lines = [
        (_("the estate file"), "estate.toml"),
        (_("the site that was backed up"), "sources/"),
        (_("the repository, which stock restic opens"), f"stores/near/{_SITE}/"),
        (_("its key"), "keys/repository.key"),
        (_("the restored copy"), "restored/"),
        (_("the archive, plain files for anybody who reads JSON"), "archive/"),
        (_("the plan and the report, as PDF and DOCX"), "papers/"),
        (_("the catalog and journal, and what was measured"), "state/"),
    ]
    _head(_("Everything worked. What lies where:"))
    width = max(text_width(title) for title, _path in lines)
    for title, path in lines:
        print(f"  {title}{'':{width - text_width(title)}}  {_shown(folder / path)}")
    _tell_login(folder, keep=keep)
    _head(_("Go on from here:"))
    store, key = folder / "stores" / "near" / _SITE, folder / "keys" / "repository.key"
    print(f"  export GIUCONG_ESTATE={_shown(folder / 'estate.toml')}")
    print("  .venv/bin/giucong")
    print(f"  .venv/bin/fab backup.list --site {_SITE}")
    print("  .venv/bin/fab drill.list")
    print("  .venv/bin/fab archive.status")
    print("  .venv/bin/fab security.baseline --host localhost")
    print(f"  restic -r {_shown(store)} \\")
    print(f"    --password-file {_shown(key)} snapshots", flush=True)


def _tell_login(folder: Path, *, keep: bool) -> None:
    """Say how one logs in to the console, and how what was kept running is ended."""
    estate = load_estate(folder / "estate.toml")
    listen = estate.console.listen if estate.console else ""
    secret = factor_of(estate, OPERATOR).secret
    own = "" if folder == kept.DEMO else f" {_shown(folder / 'estate.toml')}"
    rows = [
        (_("address"), f"http://{listen}/"),
        (_("name"), OPERATOR),
        (_("password"), password_of(folder, OPERATOR)),
        (_("code of now"), f".venv/bin/python -m examples.code {OPERATOR}{own}"),
        (_("or in an app"), totp_address(secret, OPERATOR, "Giữ Cổng")),
        (_("others"), ", ".join(f"{name} ({_tell_roles(name)})" for name in [*ROLES][1:])),
    ]
    _head(_("The console:") if keep else _("The console, after `make demo KEEP=1`:"))
    width = max(text_width(title) for title, _value in rows)
    for title, value in rows:
        print(f"  {title}{'':{width - text_width(title)}}  {value}")
    print(
        f"  {_('their passwords: {path}').format(path=_shown(folder / 'keys' / 'password-NAME'))}"
    )
    if keep:
        running = ", ".join(f"{name} {pid}" for name, (pid, _at) in kept.read(folder).items())
        print(
            "  " + _("running: {processes}; `make demo-stop` ends them").format(processes=running)
        )


def _tell_roles(person: str) -> str:
    return ", ".join(_(ROLE_TITLES[it]) for it in ROLES[person])


def _head(text: str) -> None:
    """Print a headline after an empty line; bold on a terminal."""
    bold, plain = ("\033[1m", "\033[0m") if _may_style() else ("", "")
    print(f"\n{bold}{text}{plain}", flush=True)


def _may_style() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _shown(path: Path) -> str:
    """Give a path as somebody in the checkout would type it."""
    return str(path.relative_to(kept.ROOT) if path.is_relative_to(kept.ROOT) else path)


if __name__ == "__main__":
    main()
