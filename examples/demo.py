"""`make demo`: builds a small estate and runs the main job on it, with the operator's own tasks.

Everything lies in one folder, `var/demo`. Running it again goes on from there: the site and the key
stay, the backups are added to, the restored copy is made anew.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from examples import kept
from examples.failure import DemoFailedError
from examples.forked import Forked, import_all
from examples.people import OPERATOR, ROLES, factor_of, password_of
from examples.screen import Screen, write_rows
from examples.served import MAIN, SITES
from examples.steps import Steps, meeting_the_rule
from examples.typed import Terminal
from examples.year import is_made
from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.access.rights import ROLES as ROLE_TITLES
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.language.text import _, render_error

_LOG = "output.log"
_MOMENT = 0.5


@dataclass(frozen=True, slots=True)
class Step:
    """A step: what it does, the seconds that it takes on two quiet cores, and how."""

    title: str
    seconds: float
    work: Callable[[], str]


def main() -> None:
    """Run the demo in the folder named on the command line, or in `var/demo`.

    `--keep` leaves service and console running, `--verbose` shows all that the tasks answer.
    """
    words = [it for it in sys.argv[1:] if it not in {"--keep", "--verbose"}]
    folder = Path(words[0]).resolve() if words else kept.DEMO
    try:
        run_demo(folder, keep="--keep" in sys.argv, verbose="--verbose" in sys.argv)
    except (DemoFailedError, OpsError) as error:
        kept.stop(folder)
        sys.exit(render_error(error) if isinstance(error, OpsError) else str(error))
    except KeyboardInterrupt:
        kept.stop(folder)
        sys.exit(130)


def list_steps(folder: Path) -> Sequence[Step]:
    """Give the steps, in order."""
    do, year = Steps(folder), 0.1 if is_made(folder) else 30
    return (
        Step(_("Build three example sites"), 3, do.build),
        Step(_("Live through a year, clock moved"), year, do.live),
        Step(_("Check the estate file"), 0.2, do.check_estate),
        Step(_("Back up a site"), 1, do.back_up),
        Step(_("Back up again, nothing changed"), 1, do.back_up_again),
        Step(_("Read every stored byte back"), 1, do.read_back),
        Step(_("Restore into a folder of its own"), 1, do.restore),
        Step(_("Compare with the original"), 0.1, do.compare),
        Step(_("Rehearse a restore in a sandbox"), 3, do.rehearse),
        Step(_("Archive what the backup says"), 2, do.archive),
        Step(_("Correct an article, archive it"), 3, do.correct),
        Step(_("Find it by words without marks"), 1, do.find_versions),
        Step(_("Read the archive and copies back"), 1, do.verify_archive),
        Step(_("Back the archive itself up"), 1, do.back_up_archive),
        Step(_("Watch this machine and the sites"), 1, do.look),
        Step(_("The sites go down and come back"), 5, do.go_down),
        Step(_("Audit this machine's security"), 5, do.audit),
        Step(_("Draft a plan, write a report"), 4, do.plan_and_report),
        Step(_("How the backups stand"), 1, do.tell_status),
        Step(_("Prove the journal"), 0.3, do.verify_journal),
        Step(_("Log in to the console"), 8, do.open_console),
    )


def run_demo(folder: Path, *, keep: bool = False, verbose: bool = False) -> None:
    """Build the estate and its year, run the main job on it, and say what lies where.

    Args:
        folder: Where all of it lies.
        keep: Leave service and console running.
        verbose: Show all that the tasks answer.

    Raises:
        DemoFailedError: A task ended with an error, or the restored copy differs.
    """
    kept.stop(folder)  # of a demo before, at these ports
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(kept.ROOT)
    os.environ["GIUCONG_ESTATE"] = str(folder / "estate.toml")
    sys.argv = ["fab"]  # what the tasks' own texts tell people to type
    steps = list_steps(folder)
    with (folder / _LOG).open("w", encoding="utf-8") as log:
        screen = Screen([it.seconds for it in steps], verbose, log)
        screen.announce()
        import_all()
        for step in steps:
            _take(step, screen)
    if not keep:
        kept.stop(folder)
    _summarise(folder, screen.seconds())
    if keep:
        _tell_login(folder)


def _take(step: Step, screen: Screen) -> None:
    """Do a step in a process of its own, and show what came of it."""
    under_way = Forked(step.work)
    screen.wait_for(step.title)
    while not under_way.has_ended(_MOMENT):
        screen.wait_for(step.title)
    try:
        told, figures = under_way.end()
    except DemoFailedError as error:
        screen.fail(step.title, str(error))
        raise DemoFailedError(
            _("the demo stops at this step: {step}").format(step=step.title)
        ) from None
    screen.end_step(step.title, figures, told)


def _summarise(folder: Path, seconds: int) -> None:
    """Say how the sites stand, where every result lies, and how to go on."""
    found = Terminal(folder).read("backup.status")["items"]
    good = [it for it in meeting_the_rule(found) if it in SITES]
    red = [it["name"] for it in found if it["state"] == "red"]
    why = _("{sites}: left so on purpose, its backup of last night failed")
    write_rows(
        _("Everything worked, in {seconds} seconds. The sites now:").format(seconds=seconds),
        [
            (_("meet 3-2-1-1-0"), ", ".join(good) or "–"),
            (_("need somebody"), why.format(sites=", ".join(red)) if red else "–"),
        ],
    )
    write_rows(
        _("What lies where in {folder}:").format(folder=kept.shown(folder)),
        [
            ("estate.toml", _("the estate file")),
            ("sources/ restored/", _("the site that was backed up, and the restored copy")),
            ("stores/near/", _("the repositories, which stock restic opens")),
            ("archive/", _("the archive, plain files for anybody who reads JSON")),
            ("papers/", _("the plan and the report, as PDF and DOCX")),
            (_LOG, _("every command of the demo, with all that was answered")),
        ],
    )
    store, key = folder / "stores" / "near" / MAIN, folder / "keys" / "repository.key"
    write_rows(
        _("Go on from here:"),
        [
            ("make demo KEEP=1", _("leaves the console running, and says how to log in")),
            (".venv/bin/giucong", _("what needs somebody, and the command that helps; first:")),
        ],
    )
    print(f"    export GIUCONG_ESTATE={kept.shown(folder / 'estate.toml')}")
    print(f"  .venv/bin/fab backup.list --site {MAIN}")
    print("  .venv/bin/fab drill.list")
    print(f"  restic -r {kept.shown(store)} \\")
    print(f"    --password-file {kept.shown(key)} snapshots", flush=True)


def _tell_login(folder: Path) -> None:
    """Say how one logs in to the console, and how what was kept running is ended."""
    estate = load_estate(folder / "estate.toml")
    listen = estate.console.listen if estate.console else ""
    secret = factor_of(estate, OPERATOR).secret
    own = "" if folder == kept.DEMO else f" {kept.shown(folder / 'estate.toml')}"
    running = ", ".join(f"{name} {pid}" for name, (pid, _at) in kept.read(folder).items())
    write_rows(
        _("The console:"),
        [
            (_("address"), f"http://{listen}/"),
            (_("name"), OPERATOR),
            (_("password"), password_of(folder, OPERATOR)),
            (_("code of now"), f".venv/bin/python -m examples.code {OPERATOR}{own}"),
            (_("or this key, in an app"), secret),
            *((it, _tell_roles(it)) for it in [*ROLES][1:]),
            (_("passwords"), kept.shown(folder / "keys" / "password-NAME")),
            (_("running"), running),
            (_("ends it"), "make demo-stop"),
        ],
    )


def _tell_roles(person: str) -> str:
    return ", ".join(_(ROLE_TITLES[it]) for it in ROLES[person])


if __name__ == "__main__":
    main()
