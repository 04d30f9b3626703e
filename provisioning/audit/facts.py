"""Reads what an audit of this machine needs, and prints it as one JSON object; changes nothing.

It is sent to the host and its gate lets it through word for word, so it takes no input. Needs
Python 3.6. Every section is `{"value": …}`, or `{"error": "…"}` where this user may not see it or
the machine cannot tell. Sections:

    updates   age of the package lists in seconds; [name, old, new] of each pending security update
    reboot    whether a restart waits; the running kernel and the newest installed one
    ports     [protocol, address, port, program] of each listening socket
    keys      [user, type, SHA-256 fingerprint] of each key that lets somebody in
    sudoers   [file, rule] of each line; [group, member] as a rule of the file "group"
    accounts  [user, uid, state, last login] of each account; state: locked, password, empty, none
    logs      newest and oldest entry in seconds since 1970, and whether a copy is sent elsewhere
    clock     seconds since 1970 at the moment of printing; whether the kernel's clock is steered
"""

import base64
import ctypes
import glob
import hashlib
import json
import os
import pwd
import re
import sqlite3
import struct
import subprocess
import sys
import time
from typing import Any

MOST = 4000
MOST_BYTES = 1 << 20
SECONDS = 60
UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
CLOSED = ("!", "*")


def read(path: str) -> str:
    """Give the text of a file, bounded."""
    with open(path, errors="replace") as file:
        return file.read(MOST_BYTES)


def run(*words: str) -> str:
    """Give what a program of the system prints; raises where it is missing, fails or is slow."""
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=SECONDS,
        check=True,
    )
    return done.stdout[:MOST_BYTES].decode("utf-8", "replace")


def find_updates() -> "dict[str, Any]":
    """Ask APT what it would upgrade; it downloads and writes nothing."""
    stamps = [*glob.glob("/var/lib/apt/lists/*_*Release"), "/var/lib/apt/lists/partial"]
    lists = [os.stat(it).st_mtime for it in stamps if os.path.exists(it)]
    if not glob.glob("/var/lib/apt/lists/*_Packages*"):
        raise ValueError("no package lists")
    told = run("apt-get", "-s", "-q", "-o", "Debug::NoLocking=1", "dist-upgrade")
    found = re.findall(r"^Inst (\S+)(?: \[([^]]*)\])? \((\S+) ([^)\[]*)", told, re.MULTILINE)
    security = [[name, old, new] for name, old, new, origin in found if "ecurity" in origin]
    return {
        "lists_age": int(time.time() - max(lists)),
        "security": security[:MOST],
        "others": len(found) - len(security),
    }


def version_key(name: str) -> "list[int]":
    """Give what sorts versions as people read them."""
    return [int(it) if it.isdigit() else -1 for it in re.split(r"(\d+)", name)]


def find_reboot() -> "dict[str, Any]":
    """Tell whether a restart waits: somebody says so, or a newer kernel is installed."""
    running = os.uname().release
    kernels = [it[len("/boot/vmlinuz-") :] for it in glob.glob("/boot/vmlinuz-*")]
    newest = max(kernels, key=version_key) if kernels else ""
    asked = os.path.exists("/run/reboot-required")
    if not newest and not asked:
        raise ValueError("no kernel is installed here, and nothing says whether a restart waits")
    return {"waits": asked or newest != running, "running": running, "newest": newest}


def list_programs() -> "dict[str, str]":
    """Give the program behind each socket's inode, as far as this user may see it."""
    found = {}
    for path in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            target = os.readlink(path)
        except OSError:
            continue
        if target.startswith("socket:["):
            pid = path.split("/")[2]
            try:
                found[target[8:-1]] = read(f"/proc/{pid}/comm").strip()
            except OSError:
                continue
    return found


def show_address(text: str) -> str:
    """Give an address of /proc/net as people write it: every, loopback, or the number."""
    raw = bytes.fromhex(text)
    raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    if not any(raw):
        return "*"
    loopback = raw[0] == 127 if len(raw) == 4 else raw == b"\0" * 15 + b"\1"  # noqa: PLR2004 - IPv4
    if loopback:
        return "loopback"
    return ".".join(map(str, raw)) if len(raw) == 4 else raw.hex()  # noqa: PLR2004 - IPv4


def find_ports() -> "list[list[Any]]":
    """List what listens; of UDP, what waits below the ports that clients are given."""
    programs = list_programs()
    first = int(read("/proc/sys/net/ipv4/ip_local_port_range").split()[0])
    found = set()
    for kind, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        path = "/proc/net/" + kind
        for line in read(path).splitlines()[1:] if os.path.exists(path) else ():
            words = line.split()
            address, port = words[1].split(":")
            number = int(port, 16)
            if words[3] == state and (kind.startswith("tcp") or number < first):
                program = programs.get(words[9], "")
                found.add((kind[:3], show_address(address), number, program))
    return [list(it) for it in sorted(found)][:MOST]


def key_files() -> "list[str]":
    """Give the patterns of files with keys, as sshd uses them; its usual ones without sshd."""
    usual = [".ssh/authorized_keys", ".ssh/authorized_keys2"]
    if not os.path.exists("/usr/sbin/sshd") or not os.path.exists("/run/sshd"):
        return usual  # no sshd lets anybody in here
    settings = dict(it.partition(" ")[::2] for it in run("/usr/sbin/sshd", "-T").splitlines())
    if settings.get("authorizedkeyscommand", "none") != "none":
        raise ValueError("sshd asks a command for keys")
    return settings.get("authorizedkeysfile", " ".join(usual)).split()


def find_keys() -> "list[list[str]]":
    """List the keys that let somebody in, by fingerprint."""
    found = set()
    patterns = key_files()
    for entry in pwd.getpwall():
        for pattern in patterns:
            path = pattern.replace("%u", entry.pw_name).replace("%h", entry.pw_dir)
            path = os.path.join(entry.pw_dir, path)
            try:
                lines = read(path).splitlines()
            except (FileNotFoundError, NotADirectoryError):
                continue
            for line in lines:
                key = re.search(r"\b((?:sk-)?(?:ssh|ecdsa)-\S+) ([A-Za-z0-9+/=]{60,})", line)
                if key and not line.startswith("#"):
                    digest = hashlib.sha256(base64.b64decode(key.group(2) + "==")).digest()
                    shown = base64.b64encode(digest).decode().rstrip("=")
                    found.add((entry.pw_name, key.group(1), shown))
    return [list(it) for it in sorted(found)][:MOST]


def find_sudoers() -> "list[list[str]]":
    """List the rules of sudo, and who is in the groups that they usually name."""
    found = []
    for path in ["/etc/sudoers", *sorted(glob.glob("/etc/sudoers.d/*"))]:
        name = os.path.basename(path)
        if path != "/etc/sudoers" and ("." in name or name.endswith("~")):
            continue  # sudo passes these over, too
        try:
            text = read(path)
        except FileNotFoundError:
            continue
        lines = text.replace("\\\n", " ").splitlines()
        rules = [" ".join(it.split()) for it in lines]
        kept = [it for it in rules if it and (not it.startswith("#") or it.startswith("#inc"))]
        found += [[path, rule] for rule in kept]
    for line in read("/etc/group").splitlines():
        group, _, _, members = line.split(":")[:4]
        if group in {"sudo", "admin", "wheel"}:
            found += [["group", f"{group}: {it}"] for it in members.split(",") if it]
    return found[:MOST]


def last_logins() -> "dict[str, int]":
    """Give when each account was last used, by name; raises where nothing keeps it."""
    place = "/var/lib/lastlog/lastlog2.db"
    if os.path.exists(place):
        database = sqlite3.connect(f"file:{place}?mode=ro", uri=True)
        try:
            return dict(database.execute("SELECT Name, Time FROM Lastlog2"))
        finally:
            database.close()
    with open("/var/log/lastlog", "rb") as file:
        found = {}  # type: dict[str, int]
        for entry in pwd.getpwall():
            file.seek(entry.pw_uid * 292)  # struct lastlog: 4 bytes of time, 32 and 256 of text
            record = file.read(4)
            if len(record) == 4:  # noqa: PLR2004 - as above
                found[entry.pw_name] = struct.unpack("<I", record)[0]
        return found


def find_accounts() -> "list[list[Any]]":
    """List the accounts that a person or a key can log in to, and when that was done last."""
    hashes = dict(it.split(":")[:2] for it in read("/etc/shadow").splitlines() if ":" in it)
    try:
        logins = last_logins()
    except (OSError, sqlite3.Error):
        logins = None
    found = []
    for entry in pwd.getpwall():
        text = hashes.get(entry.pw_name, "*")
        state = "empty" if not text else "locked" if text.startswith(CLOSED) else "password"
        if entry.pw_shell.endswith(("/nologin", "/false")) and entry.pw_uid:
            state = "none"
        last = None if logins is None else logins.get(entry.pw_name, 0)
        found.append([entry.pw_name, entry.pw_uid, state, last])
    return found[:MOST]


def first_entry() -> "float | None":
    """Give when the oldest entry of the system's journal was written; None without one."""
    try:
        with subprocess.Popen(
            ["/usr/bin/journalctl", "--quiet", "--output=short-unix", "--no-pager"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            line = process.stdout.readline(4096) if process.stdout else b""
            process.kill()
        return float(line.split(b".")[0])
    except (OSError, ValueError):
        return None


def find_logs() -> "dict[str, Any]":
    """Tell how far the logs reach, and whether something sends them elsewhere."""
    paths = []
    for pattern in ("syslog*", "auth.log*", "messages*", "secure*", "journal/*/*.journal"):
        paths += glob.glob("/var/log/" + pattern)
    times = [os.stat(it).st_mtime for it in paths if os.stat(it).st_size]
    if not times:
        raise ValueError("no log is kept here, or this user sees none")
    oldest = min([it for it in (first_entry(), *times) if it])
    settings = ["/etc/rsyslog.conf", "/etc/systemd/journal-upload.conf"]
    settings += glob.glob("/etc/rsyslog.d/*.conf") + glob.glob("/etc/syslog-ng/*.conf")
    text = "\n".join(read(it) for it in settings if os.path.exists(it))
    sends = re.search(
        r'^\s*(?!#)(?:.*\s@{1,2}[\w\[]|.*type="om(?:fwd|relp)"|URL=http|.*\bnetwork\()',
        text,
        re.MULTILINE,
    )
    born = os.stat("/etc/machine-id").st_mtime
    return {"newest": max(times), "oldest": oldest, "born": born, "remote": bool(sends)}


def find_clock() -> "dict[str, Any]":
    """Tell the time, and whether the kernel says that somebody keeps it right."""
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    return {"now": time.time(), "steered": 0 <= state != UNSYNCHRONISED}


def main() -> None:
    """Print every section."""
    sections = {
        "updates": find_updates,
        "reboot": find_reboot,
        "ports": find_ports,
        "keys": find_keys,
        "sudoers": find_sudoers,
        "accounts": find_accounts,
        "logs": find_logs,
        "clock": find_clock,
    }
    told = {}  # type: dict[str, Any]
    for name, find in sections.items():
        try:
            told[name] = {"value": find()}
        except Exception as error:  # noqa: BLE001 - one section must not hide the others
            told[name] = {"error": f"{type(error).__name__}: {str(error)[:200]}"}
    told["root"] = os.geteuid() == 0
    sys.stdout.write(json.dumps(told) + "\n")


main()
