"""Start the restored site inside, and ask for its pages as a visitor would.

The server is PHP's own, a plain server of files, or the site's own program; in front of it stands
what production's web server does: encryption, and rewriting unknown addresses to `index.php`.
"""

import os
import re
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ops.sandbox.front_door import make_tls, open_front
from ops.sandbox.isolation.accounts import Account, find_owner
from ops.sandbox.isolation.network import find_names, find_web_address
from ops.sandbox.isolation.new_root import WORKSHOP
from ops.sandbox.plan import RehearsalPlan
from ops.sandbox.processes import Bench, MissingProgram, ProgramError, find_php

LOG = "site"
WEB_ACCOUNTS = ("www-data", "nginx", "apache", "http")
_BEHIND = 18_080  # where the site listens behind a front
_WORKERS = "3"
_BEFORE = Path(WORKSHOP) / "before.php"
_ROUTING = Path(WORKSHOP) / "router.php"
# What production's web server sees to: https is told, and an address that is no file is the site's.
_ENCRYPTED = "$_SERVER['HTTPS'] = 'on'; $_SERVER['SERVER_PORT'] = '443';\n"
_ROUTER = """\
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/';
$path = $_SERVER['DOCUMENT_ROOT'] . rawurldecode($path);
$base = $_SERVER['DOCUMENT_ROOT'] . $below;
if (is_file($path) || (is_dir($path) && (is_file("$path/index.php") || is_file("$path/index.html")))
    || preg_match('/\\.php(\\/|$)/', $path) || !is_file("$base/index.php")) {
    return false;
}
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = "$below/index.php";
$_SERVER['SCRIPT_FILENAME'] = "$base/index.php";
chdir($base);
require $_SERVER['SCRIPT_FILENAME'];
"""
_PLAIN_PATH = re.compile(r"(?:/[\w~-][\w.~-]*)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Door:
    """Where a site listens, and where its visitors come.

    Attributes:
        host: Address that the site's own server binds to.
        port: The port it binds to.
        front: The url's port, where a front leads there; None without one.
        is_encrypted: Whether visitors come by https.
    """

    host: str
    port: int
    front: int | None
    is_encrypted: bool


def decide_door(plan: RehearsalPlan) -> Door:
    """Decide where the site listens: at the url's own port, or behind a front."""
    host, port, is_encrypted = find_web_address(plan.url)
    own = plan.serving.port if plan.serving.way == "command" else None
    if is_encrypted or (own is not None and own != port):
        return Door("127.0.0.1", own or _BEHIND, port, is_encrypted)
    return Door("[::]" if ":" in host else "0.0.0.0", port, None, is_encrypted=False)  # noqa: S104 -- the sandbox's own


def start_site(plan: RehearsalPlan, bench: Bench) -> MissingProgram | None:
    """Start the site and wait until it takes visitors in; gives the program that is missing."""
    door, serving = decide_door(plan), plan.serving
    folder = serving.folder or "/"
    owner = find_owner(folder, WEB_ACCOUNTS)
    if not Path(folder).is_dir():
        raise ProgramError(f"{folder}: no such folder")
    top, below = _find_root(folder, plan.url)
    if serving.way == "php":
        php = find_php()
        if isinstance(php, MissingProgram):
            return php
        _write_php(below, is_encrypted=door.is_encrypted)
        _serve_php(php, top, door, owner, bench)
    elif serving.way == "static":
        words = [sys.executable, "-I", "-m", "http.server", "--bind", door.host.strip("[]"),
                 "--directory", top, str(door.port)]  # fmt: skip
        bench.serve(words, owner, log=LOG)
    else:
        program = shutil.which(serving.command[0], path=f"{os.environ['PATH']}:{folder}")
        if program is None:
            return MissingProgram(serving.command[0], "")
        bench.serve([program, *serving.command[1:]], owner, log=LOG, folder=folder)
    bench.await_up(LOG, lambda: _takes_in(door.port))
    if door.front is not None:
        tls = None
        if door.is_encrypted:
            tls, trusted = make_tls(find_names(plan), Path(WORKSHOP))
            os.environ["SSL_CERT_FILE"] = str(trusted)  # for the pages we ask for
        open_front(door.front, door.port, tls=tls)
    return None


def _find_root(folder: str, url: str) -> tuple[str, str]:
    """Give the document root, and the url's path below which the site lies there.

    A site below a path of a host is often a folder of its own (`Alias`); it gets a root in which
    that path leads to it.
    """
    below = urlsplit(url).path.rstrip("/")
    if not _PLAIN_PATH.fullmatch(below):
        return folder, ""
    if Path(folder + below).is_dir():
        return folder, below
    root = Path(WORKSHOP) / "web"
    place = Path(f"{root}{below}")
    place.parent.mkdir(parents=True)
    place.symlink_to(folder)
    return str(root), below


def _write_php(below: str, *, is_encrypted: bool) -> None:
    told = _ENCRYPTED if is_encrypted else ""
    _BEFORE.write_text(f"<?php\n{told}", encoding="ascii")
    _ROUTING.write_text(f"<?php\n{told}$below = '{below}';\n{_ROUTER}", encoding="ascii")


def _serve_php(php: str, folder: str, door: Door, owner: Account, bench: Bench) -> None:
    words = [php, "-d", f"auto_prepend_file={_BEFORE}", "-d", "display_errors=0",
             "-d", "log_errors=1", "-d", "sendmail_path=/bin/true",
             "-S", f"{door.host}:{door.port}", "-t", folder, str(_ROUTING)]  # fmt: skip
    # One process a request would wait for ever for a page that asks for another page.
    bench.serve(words, owner, log=LOG, environment={"PHP_CLI_SERVER_WORKERS": _WORKERS})


def _takes_in(port: int) -> bool:
    for host in ("127.0.0.1", "::1"):
        try:
            socket.create_connection((host, port), 1.0).close()
        except OSError:
            continue
        return True
    return False
