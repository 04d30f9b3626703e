"""Makes the script that makes the least-privilege account on a host; pure."""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Literal

from provisioning.commands import quote_word
from provisioning.errors import N_
from provisioning.hosts import Command

FOLDER = "/usr/local/lib/giucong"
AUDIT_FOLDER = "/usr/local/lib/giucong-audit"
"""The audit account's gate and list stand apart: neither account can do what the other may."""

PYTHON = "/usr/bin/python3"
REFUSED = 126
"""What the gate ends with where it refuses."""

GATE = Path(__file__).with_name("gate.py")
RESTRICTED = "restrict"
"""OpenSSH's word for: no terminal, no forwarding of anything, no start-up file."""

Rights = Literal["capability", "sudo"]
_NULL = b"\0"
_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,30}")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the account may do.

    Attributes:
        commands: Commands, exact to the last word.
        loaders: Commands that read a program from stdin.
        programs: The programs that those may read.
    """

    commands: tuple[Command, ...] = ()
    loaders: tuple[Command, ...] = ()
    programs: tuple[bytes, ...] = ()


def make_list(allowed: Allowed) -> str:
    """Give the list that the gate reads."""
    lines = [
        *(f"command {_digest(_NULL.join(words))}" for words in allowed.commands),
        *(f"loader {_digest(_NULL.join(words))}" for words in allowed.loaders),
        *(f"program {_digest(program)}" for program in allowed.programs),
    ]
    return "".join(f"{line}\n" for line in sorted(set(lines)))


def make_key_line(public_key: str, command: str) -> str:
    """Give the line of authorized_keys: this key runs the gate, whatever it asks for."""
    return f'{RESTRICTED},command="{command}" {public_key}'


def is_account(user: str) -> bool:
    """Tell whether a name may be an account of its own on Linux."""
    return bool(_ACCOUNT.fullmatch(user)) and user != "root"


def make_script(
    user: str,
    public_key: str,
    allowed: Allowed,
    rights: Rights,
    *,
    is_audit: bool = False,
    say: Callable[[str], str] = str,
) -> str:
    """Give a shell script that root runs on the host; running it again changes nothing.

    Args:
        user: The account.
        public_key: `ssh-ed25519 AAAA…`.
        allowed: What it may do.
        rights: Whether it reads all files by a capability of a Python of its own, or through sudo.
        is_audit: Whether it is the account for audits, with a gate of its own.
        say: Gives a text of ours in the language of who reads the script.
    """
    folder, purpose = (AUDIT_FOLDER, _AUDITS) if is_audit else (FOLDER, _READS)
    home = f"/var/lib/{user}"
    gate = f"{folder}/gate"
    command = gate if rights == "capability" else f"/usr/bin/sudo -n {gate}"
    values = {"user": user, "home": home, "folder": folder, "python": PYTHON, "gate": gate,
              "command": command, "refused": str(REFUSED)}  # fmt: skip
    told = {name: _comment(say(text).format(**values)) for name, text in _COMMENTS.items()}
    told["purpose"] = _comment(say(purpose).format(**values))
    told |= {name: _word(say(text).format(**values)) for name, text in _SAID.items()}
    parts: Iterable[str] = (
        _START.format(**values, **told),
        _write(gate, GATE.read_text(encoding="utf-8"), "0755 root:root"),
        _write(f"{folder}/allowed", make_list(allowed), "0644 root:root"),
        _write(
            f"{home}/.ssh/authorized_keys",
            make_key_line(public_key, command) + "\n",
            f"0640 root:{user}",
        ),
        (_CAPABILITY if rights == "capability" else _SUDO).format(**values, **told),
        _TRY.format(**values, **told),
    )
    return "\n".join(parts)


_READS = N_(
    "The account {user}, through which the backup service reads this host. Run as root. It can read"
    " every file and write none; its key opens no shell."
)
_AUDITS = N_(
    "The account {user}, through which the service audits this host. Run as root. It runs a few"
    " fixed programs that only look, and no other; its key opens no shell."
)
_COMMENTS = {
    "own_python": N_(
        "The system's own: another one on root's PATH may belong to somebody, or be a script."
    ),
    "by_capability": N_(
        "A Python that this account alone may start, and that may read every file without being"
        " root."
    ),
    "by_sudo": N_(
        "The gate runs as root, and nothing else does; the empty argument list is part of the rule."
    ),
    "trying": N_(
        "The gate itself, as the service will meet it: it answers, and refuses what is not on its"
        " list."
    ),
}
_SAID = {
    "no_python": N_("{python} is missing: apt-get install python3"),
    "no_setcap": N_("setcap is missing: apt-get install libcap2-bin"),
    "blind": N_("the account {user} cannot read through {folder}/python3; try --sudo"),
    "ready": N_("the account {user} is ready: its gate answers"),
    "broken": N_("the gate of the account {user} does not work"),
}
"""What the script says when it runs; each is one word of the shell."""

_START = """\
#!/bin/sh
{purpose}
set -eu
umask 022
fail() {{ echo "$1" >&2; exit 1; }}
{own_python}
"{python}" -I -c '' 2>/dev/null || fail {no_python}
getent passwd {user} >/dev/null ||
  useradd --system --user-group --no-create-home --home-dir {home} --shell /bin/sh {user}
usermod --password '*' {user}
install -d -o root -g {user} -m 0750 {home} {home}/.ssh
install -d -o root -g root -m 0755 {folder}
put() {{ cat >"$1.new"; chmod "$2" "$1.new"; chown "$3" "$1.new"; mv "$1.new" "$1"; }}
"""

_CAPABILITY = """\
{by_capability}
command -v setcap >/dev/null || fail {no_setcap}
install -o root -g {user} -m 0750 "$(readlink -f {python})" {folder}/python3
setcap cap_dac_read_search=ep {folder}/python3
rm -f /etc/sudoers.d/{user}
probe='open("/etc/shadow", "rb").read(1)'
su -s /bin/sh {user} -c "{folder}/python3 -I -c '$probe'" ||
  fail {blind}
"""

_SUDO = """\
{by_sudo}
rm -f {folder}/python3
cat >/etc/sudoers.d/{user}.new <<'END-OF-SUDOERS'
Defaults!{gate} env_keep += "SSH_ORIGINAL_COMMAND", !requiretty
{user} ALL=(root) NOPASSWD: {gate} ""
END-OF-SUDOERS
visudo -cqf /etc/sudoers.d/{user}.new
chmod 0440 /etc/sudoers.d/{user}.new
mv /etc/sudoers.d/{user}.new /etc/sudoers.d/{user}
"""

_TRY = """\
{trying}
answer=0
told=$(SSH_ORIGINAL_COMMAND=try su -s /bin/sh {user} -c '{command}' 2>&1) || answer=$?
case "$answer $told" in
  "{refused} giucong gate: refused"*) echo {ready} ;;
  *) fail {broken}": $told" ;;
esac
"""


def _comment(text: str) -> str:
    return fill(text, 100, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


def _word(text: str) -> str:
    return quote_word(text.encode()).decode()


def _write(path: str, content: str, mode_and_owner: str) -> str:
    mode, owner = mode_and_owner.split()
    place = quote_word(path.encode()).decode()
    return f"put {place} {mode} {owner} <<'END-OF-FILE'\n{content}END-OF-FILE\n"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
