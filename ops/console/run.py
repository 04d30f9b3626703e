"""Start the web process: read where it listens, give rights up, serve."""

import os
import pwd
import sys
from pathlib import Path

from pydantic import ValidationError

from ops.console.frames import RUN_FOLDER, SOCKET_NAME, socket_path
from ops.console.tasks import RunConsole
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.console import ConsoleSettings
from ops.language.text import _
from ops.terminal.exit_codes import warn
from ops.terminal.output import flush, write_line

CONSOLE_USER = "giucong-console"
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH")


def run_console(wish: RunConsole) -> None:
    """Become the web process; does not come back.

    Raises:
        WrongUseError: The estate has no console, or it cannot listen there.
    """
    estate = load_estate()
    if estate.console is None:
        raise WrongUseError(
            "the estate has no console",
            next_step="write `[console]` into the estate file, then start the service anew",
        )
    told = {"listen": wish.listen} if wish.listen else {}
    try:
        settings = ConsoleSettings.model_validate({**estate.console.model_dump(), **told})
    except ValidationError as error:
        raise WrongUseError(
            '"{value}" is not an address and a port',
            data="nothing was started",
            next_step="write it like `127.0.0.1:8443`",
            value=wish.listen[:80],
        ) from error
    own, installed = socket_path(Path(estate.service.state)), RUN_FOLDER / SOCKET_NAME
    socket = installed if installed.exists() and not own.exists() else own
    write_line(_("the console is at {address}").format(address=f"http://{settings.listen}/"))
    flush()
    _give_rights_up()
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    command = [sys.executable, "-P", "-m", "ops.console.web", str(socket.absolute())]
    code = Path(__file__).parents[2]
    environment["PYTHONPATH"] = os.pathsep.join(
        it for it in (str(code), environment.get("PYTHONPATH", "")) if it
    )
    os.chdir("/")
    command += [settings.listen, settings.captured]
    command += ["--proxy", settings.proxy] if settings.proxy else []
    command += ["--captured-at", settings.captured_at] if settings.captured_at else []
    os.execve(sys.executable, command, environment)  # noqa: S606 - no shell is wanted


def _give_rights_up() -> None:
    """Become the console's own user, where this is root and there is one; else say what that is."""
    if os.geteuid() != 0:
        return
    try:
        user = pwd.getpwnam(CONSOLE_USER)
    except KeyError:
        told = _(
            "the console runs as root: whoever took it over would be root. That is for a trial"
            " alone; else make its user: adduser --system --group --no-create-home {user}"
        )
        warn(told.format(user=CONSOLE_USER))
        return
    os.setgroups([user.pw_gid])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
