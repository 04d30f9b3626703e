"""Service, console and the example sites, kept running beside the demo.

Which processes they are stands in `kept.json` of the demo's folder, each with the moment it began,
so that no other process that got its number later is ever ended.
`python -m examples.kept stop` ends them.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlencode

from examples.failure import DemoFailedError
from examples.people import OPERATOR, factor_of, password_of
from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.access.factors import STEP_SECONDS
from ops.console.frames import socket_path
from ops.estate.load.load import load_estate
from ops.language.text import _

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "var" / "demo"
_GIUCONG = Path(sys.executable).with_name("giucong")
_PATIENCE_SECONDS = 180.0
_END_SECONDS = 30.0
_MOST_SHOWN = 2_000
_SEE_OTHER, _OK = 303, 200


def shown(path: Path) -> str:
    """Give a path as somebody in the checkout would type it."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def find_port(wanted: int = 0) -> int:
    """Give a port of the loopback that nobody listens at: the one wanted, else any."""
    for port in (wanted, 0):
        try:
            with socket.create_server(("127.0.0.1", port)) as server:
                return int(server.getsockname()[1])
        except OSError:
            continue
    raise DemoFailedError(_("no port is free on this machine"))


def start(folder: Path) -> str:
    """Start everything; gives the console's address once it answers.

    Raises:
        DemoFailedError: Something did not begin; what had begun is ended.
    """
    stop(folder)
    _renew_ports(folder / "estate.toml")
    estate = load_estate(folder / "estate.toml")
    listen = estate.console.listen if estate.console else ""
    office = socket_path(Path(estate.service.state))
    office.unlink(missing_ok=True)
    try:
        begin(folder, "served", [sys.executable, "-m", "examples.served"])
        begin(folder, "service", [sys.executable, str(_GIUCONG), "service.run"])
        wait(folder, office.exists)
        begin(folder, "console", [sys.executable, str(_GIUCONG), "console.run"])
        wait(folder, lambda: _answers(listen))
    except BaseException:
        stop(folder)
        raise
    return listen


def stop(folder: Path) -> list[str]:
    """End what is still running of it, the last first, and wait; gives the names."""
    ended = []
    for name, (pid, began) in reversed(list(read(folder).items())):
        if _began(pid) == began:
            os.kill(pid, signal.SIGTERM)
            ended.append(name)
            until = time.monotonic() + _END_SECONDS
            while _began(pid) == began and time.monotonic() < until:
                time.sleep(0.05)
    (folder / "kept.json").unlink(missing_ok=True)
    return ended


def read(folder: Path) -> Mapping[str, tuple[int, str]]:
    """Give name → process id and the moment it began, in the order in which they began."""
    try:
        kept = json.loads((folder / "kept.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {name: (int(pid), str(began)) for name, (pid, began) in kept.items()}


def log_in(folder: Path, listen: str) -> tuple[str, str]:
    """Log in as a person does, with password and a code of now; gives page and session's cookie.

    Raises:
        DemoFailedError: The console did not let the person in, or did not show its first page.
    """
    factor = factor_of(load_estate(folder / "estate.toml"), OPERATOR)
    form = {"name": OPERATOR, "password": password_of(folder, OPERATOR), "code": factor.now()}
    status, headers, page = _ask(listen, "POST", "/login", urlencode(form))
    if status != _SEE_OTHER:  # somebody has used this code: each is good once
        time.sleep(STEP_SECONDS - time.time() % STEP_SECONDS)
        form["code"] = factor.now()
        status, headers, page = _ask(listen, "POST", "/login", urlencode(form))
    cookie = headers.get("set-cookie", "").partition(";")[0]
    if status == _SEE_OTHER:
        status, _headers, page = _ask(listen, "GET", "/today", cookie=cookie)
    if status != _OK:
        text = _("the demo stops: the console answers {status}")
        raise DemoFailedError(text.format(status=status) + "\n" + page[:_MOST_SHOWN])
    return page, cookie


def begin(folder: Path, name: str, command: list[str]) -> None:
    """Start a process of its own session, and write down which."""
    environment = {**os.environ, "GIUCONG_ESTATE": str(folder / "estate.toml")}
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    kept = {**read(folder), name: (process.pid, _began(process.pid))}
    unfinished = folder / "kept.json.unfinished"
    unfinished.write_text(json.dumps(kept), encoding="utf-8")
    unfinished.rename(folder / "kept.json")


def wait(folder: Path, is_so: Callable[[], bool], seconds: float = _PATIENCE_SECONDS) -> None:
    """Wait until something is so.

    Raises:
        DemoFailedError: A process has ended, or it takes too long; the text is what it said last.
    """
    until = time.monotonic() + seconds
    while not is_so():
        died = [name for name, (pid, began) in read(folder).items() if _began(pid) != began]
        if died or time.monotonic() > until:
            name = died[0] if died else [*read(folder)][-1]
            told = (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
            text = _("the demo stops: {name} does not begin:")
            raise DemoFailedError(text.format(name=name) + "\n" + told[-_MOST_SHOWN:])
        time.sleep(0.1)


def _began(pid: int) -> str:
    """Give when a process began, in ticks since the machine did; empty where it has ended.

    Source: proc_pid_stat(5), fields 3 and 22; the name before them may hold blanks and brackets.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, *rest = text.rpartition(")")[2].split()
    return "" if state == "Z" else rest[18]


def _renew_ports(estate: Path) -> None:
    """Give the console other ports where somebody else has its own now."""
    settings = load_estate(estate).console
    text = estate.read_text(encoding="utf-8")
    for key in ("listen", "captured"):
        address = str(getattr(settings, key))
        port = int(address.rpartition(":")[2])
        free = find_port(port)
        if free != port:
            text = text.replace(f'{key} = "{address}"', f'{key} = "127.0.0.1:{free}"')
    if text != estate.read_text(encoding="utf-8"):
        estate.write_text(text, encoding="utf-8")


def _answers(listen: str) -> bool:
    try:
        return _ask(listen, "GET", "/login")[0] == _OK
    except OSError:
        return False


def _ask(
    listen: str, method: str, path: str, body: str = "", *, cookie: str = ""
) -> tuple[int, Mapping[str, str], str]:
    """Send one request; gives status, headers by lower-case name, and the text."""
    connection = http.client.HTTPConnection(listen, timeout=_PATIENCE_SECONDS)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
    return answer.status, {name.lower(): it for name, it in answer.getheaders()}, text


def main() -> None:
    """`stop [FOLDER]`: end what `make demo KEEP=1` has left running."""
    folder = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else DEMO  # noqa: PLR2004 - the second word
    ended = stop(folder)
    print(_("ended: {names}").format(names=", ".join(ended)) if ended else _("nothing was running"))


if __name__ == "__main__":
    main()
