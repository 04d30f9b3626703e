"""`make lab`: boots the lab, runs plays, ends; or keeps it up to practise in.

usage: python -m tests.lab [run [PLAY…] | keep | stop]
       python -m tests.lab enter MACHINE [LOGIN] | visit COMMAND… | code LOGIN |
                               lead SITE MACHINE | begin NAME | play NAME
"""

import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable

from examples import kept
from tests.lab.door import open_door
from tests.lab.lab import find_lab, lab
from tests.lab.network import ADDRESSES, DOMAIN
from tests.lab.people import ROLES
from tests.lab.play import begin_play, list_plays, run_play
from tests.lab.roots import KEPT
from tests.systemd_machine import VARIABLES

UP = KEPT / "up"
_HELD = KEPT / "held"
_COLD_SECONDS = 1800
_GUIDE = """
the lab is up, and stays until `make lab-stop`:
  a shell      python -m tests.lab enter MACHINE [LOGIN]      as root, or as one of {logins}
  machines     {machines}
  the service  on ops: `giucong service.status`, as one of the people
  people       {people}: passwords, the app's secret, recovery codes
  a code       python -m tests.lab code LOGIN
  a visitor    python -m tests.lab visit COMMAND…      e.g. curl -sL http://NAME.{domain}/
  a site's name python -m tests.lab lead SITE MACHINE      leads to that machine from then on
  the console  https://localhost:{console}/   signed by {folder}/net/authority/root.pem
  mails        {folder}/net/mails; webhook: {folder}/net/hooks
  a play       python -m tests.lab play NAME      {plays}
  to practise  python -m tests.lab begin NAME     lets it happen, and nothing more
"""


def run(names: list[str]) -> None:
    """Boot it, run plays (all of them where none is named), end it; ends with 1 where one fails."""
    started, failed = time.monotonic(), []
    with lab(KEPT / f"run-{os.getpid()}") as up:
        print(f"the lab is up after {time.monotonic() - started:.0f} s", flush=True)
        for name in names or list_plays():
            try:
                run_play(name, up)
            except AssertionError:
                failed.append(name)
                print(f"{name}: NOT AS IT MUST BE\n{traceback.format_exc()}", flush=True)
    if failed:
        sys.exit(f"not as it must be: {', '.join(failed)}")


def keep() -> None:
    """Boot it in the background, and say how to enter it once it is up."""
    kept.stop(_HELD)
    _HELD.mkdir(parents=True, exist_ok=True)
    kept.begin(_HELD, "lab", [sys.executable, "-m", "tests.lab", "hold"])
    kept.wait(_HELD, (UP / "ready").exists, _COLD_SECONDS)
    print(read_guide())


def hold() -> None:
    """Boot it, and stay until somebody ends this process."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    shutil.rmtree(UP, ignore_errors=True)
    with lab(UP) as up:
        (UP / "console").write_text(str(open_door(up.network, up.ops.address, 443)))
        (UP / "ready").touch()
        ended.wait()


def stop() -> None:
    """End what `keep` has left up, and exactly that."""
    print("ended" if kept.stop(_HELD) else "no lab was up")


def read_guide() -> str:
    """Say how to enter the lab that is up."""
    return _GUIDE.format(
        logins=", ".join(ROLES), machines=", ".join(f"{it} {at}" for it, at in ADDRESSES.items()),
        console=(UP / "console").read_text(), people=UP / "people.json", domain=DOMAIN, folder=UP,
        plays=", ".join(list_plays()),
    )  # fmt: skip


def enter(machine: str, login: str = "root") -> None:
    """Become somebody's shell on a machine."""
    up = find_lab(UP)
    found = up.ops if machine == "ops" else up.hosts[machine]
    words = found.words_as(login, "sh", "-c", "cd && exec bash -l")
    os.execvpe(words[0], words, {**os.environ, **VARIABLES})  # noqa: S606 - it is that shell


def visit(*words: str) -> None:
    """Become a visitor of the network, who runs a command and trusts the lab's authority."""
    network = find_lab(UP).network
    found, trusted = network.words(*words), str(network.authority.root)
    environment = {**os.environ, "CURL_CA_BUNDLE": trusted}
    os.execvpe(found[0], found, environment)  # noqa: S606 - it is that command


def lead(site: str, machine: str) -> None:
    """Have a site's name lead to a machine, as who keeps the province's names would."""
    find_lab(UP).network.name(f"{site}.{DOMAIN}", ADDRESSES[machine])


def main() -> None:
    """Do what the first word says."""
    verb, *words = sys.argv[1:] or ["run"]
    verbs: dict[str, Callable[[], None]] = {
        "run": lambda: run(words),
        "keep": keep,
        "hold": hold,
        "stop": stop,
        "enter": lambda: enter(*words),
        "visit": lambda: visit(*words),
        "code": lambda: print(find_lab(UP).ops.people.code(*words)),
        "lead": lambda: lead(*words),
        "begin": lambda: begin_play(words[0], find_lab(UP)),
        "play": lambda: run_play(words[0], find_lab(UP)),
    }
    verbs[verb]()


if __name__ == "__main__":
    main()
