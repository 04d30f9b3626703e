#!/usr/bin/env python3
"""Sound the alarm when Giữ Cổng falls silent: one file, nothing but Python, for another machine.

It reads the service's `heartbeat.json` and says, in Vietnamese and English, when the file is
older than it may be, cannot be read, or names a site whose newest backup is too old. Run it from
cron on a machine that does not depend on the first one, every ten minutes:

    */10 * * * *  /opt/giucong-dead-man.py --url https://…/heartbeat.json --mail nva@example.vn
    */10 * * * *  /opt/giucong-dead-man.py --file /mnt/giucong/heartbeat.json --command 'send-sms'

Exit code 0: alive and in time. 1: alarm. 2: alarm that could not be sent. Without `--mail` and
`--command` the alarm goes to standard output, which cron mails by itself. Whatever goes wrong here
is an alarm too: this script must never end without a word.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import socket
import stat
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

FORMAT = "giucong-heartbeat-1"
MOST_BYTES = 5_000_000
TIMEOUT_SECONDS = 20
AHEAD = timedelta(minutes=10)
SENDMAIL = "/usr/sbin/sendmail"
MINUTES_TOLD = 120
MOST_MINUTES = 525_600  # a year
LONGEST_REASON = 300
NAMED = {"giucong": ("Chính Giữ Cổng (giucong)", "Giữ Cổng itself (giucong)")}
ALIVE, ALARM, NOT_SENT = 0, 1, 2


def fetch(url: str, seconds: float) -> bytes:
    """Give what a web server answers."""
    if not url.startswith(("https://", "http://")):
        raise ValueError("not an http(s) address: " + url)
    with urllib.request.urlopen(url, timeout=seconds) as answer:  # noqa: S310 -- looked at above
        return bytes(answer.read(MOST_BYTES))


def read_file(file: str) -> bytes:
    """Give what a plain file holds; opens no pipe that would wait for a writer."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as source:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no plain file")
        return source.read(MOST_BYTES)


def within(seconds: float, read: Callable[[], bytes]) -> bytes:
    """Give what is read in time; raises TimeoutError when a server trickles or a mount hangs."""
    ended: list[bytes | Exception] = []

    def work() -> None:
        try:
            ended.append(read())
        except Exception as error:  # noqa: BLE001 -- raised again below
            ended.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if not ended:
        raise TimeoutError(f"not read within {seconds:g} seconds")
    if isinstance(ended[0], Exception):
        raise ended[0]
    return ended[0]


def read_heartbeat(url: str | None, file: str, seconds: float) -> dict[str, Any]:
    """Give the heartbeat as a table; raises some Exception where it cannot be read."""
    content = within(seconds, lambda: fetch(url, seconds) if url else read_file(file))
    document = json.loads(content.decode("utf-8"))
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError("not a heartbeat of Giữ Cổng")
    return document


def find_alarms(
    document: dict[str, Any], now: datetime, silent_after: timedelta
) -> list[tuple[str, str]]:
    """Give each thing that is wrong as two sentences, Vietnamese and English; may be empty."""
    at = parse_moment(document["at"])
    if now - at > silent_after:
        age = tell(now - at)
        return [(
            f"Giữ Cổng không có tín hiệu hoạt động đã {age[0]} (lần cuối: {document['at']}).",
            f"Giữ Cổng has been silent for {age[1]} (last sign of life: {document['at']}).",
        )]  # fmt: skip
    if at - now > AHEAD:
        return [(
            f"Đồng hồ hai máy lệch nhau: tín hiệu hoạt động muộn hơn hiện tại: {document['at']}.",
            f"The clocks disagree: the sign of life is dated in the future, {document['at']}.",
        )]  # fmt: skip
    found = [find_late(name, site, now) for name, site in sorted(document["sites"].items())]
    return [alarm for alarm in found if alarm]


def find_late(name: str, site: dict[str, Any], now: datetime) -> tuple[str, str] | None:
    """Give the two sentences about a site whose newest backup is too old, or None."""
    since = site["newest"] or site["due_since"]
    allowed = timedelta(seconds=int(site["rpo_seconds"]) + int(site["grace_seconds"]))
    if since is None or now - parse_moment(since) <= allowed:
        return None
    vi, en = NAMED.get(name, (f"Trang {name}", f"Site {name}"))
    age, target = tell(now - parse_moment(since)), tell(timedelta(seconds=site["rpo_seconds"]))
    if not site["newest"]:
        return (
            f"{vi} chưa có bản sao lưu nào (mục tiêu: {target[0]} một lần).",
            f"{en} has no backup at all (target: one every {target[1]}).",
        )
    return (
        f"{vi}: bản sao lưu mới nhất cách đây {age[0]} (mục tiêu: {target[0]}).",
        f"{en}: the newest backup is {age[1]} old (target: {target[1]}).",
    )


def parse_moment(text: str) -> datetime:
    """Read a moment such as 2026-11-24T18:03:00Z."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def tell(duration: timedelta) -> tuple[str, str]:
    """Give a duration in whole hours or minutes, Vietnamese and English."""
    minutes = int(duration.total_seconds() // 60)
    if minutes >= MINUTES_TOLD:
        return f"{minutes // 60} giờ", f"{minutes // 60} hours"
    return f"{minutes} phút", f"{minutes} minutes"


def word(alarms: list[tuple[str, str]], source: str) -> str:
    """Give the whole text of an alarm."""
    vietnamese = ["- " + alarm[0] for alarm in alarms]
    english = ["- " + alarm[1] for alarm in alarms]
    text = "\n".join([
        "CẢNH BÁO: kiểm tra máy chạy Giữ Cổng.",
        *vietnamese,
        "Trên máy đó, gõ: giucong   và: systemctl status giucong",
        "",
        "ALARM: look at the machine that runs Giữ Cổng.",
        *english,
        "On that machine type: giucong   and: systemctl status giucong",
        "",
        f"({socket.gethostname()}, {source})",
        "",
    ])  # fmt: skip
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def send(text: str, arguments: argparse.Namespace) -> list[str]:
    """Try every way that was asked for, whatever becomes of the others; give what failed."""
    ways: list[Callable[[], None]] = []
    if arguments.mail:
        ways.append(lambda: mail(text, arguments.mail))
    if arguments.command:
        ways.append(lambda: hand_over(shlex.split(arguments.command), text.encode("utf-8")))
    failed = []
    for way in ways or [lambda: write(text)]:
        try:
            way()
        except Exception as error:  # noqa: BLE001 -- the next way must be tried whatever happened
            failed.append(explain(error))
    return failed


def mail(text: str, addresses: list[str]) -> None:
    """Hand a mail to the local sendmail; raises some Exception when that fails."""
    message = EmailMessage()
    message["Subject"] = "[Giữ Cổng] CẢNH BÁO / ALARM"
    message["To"] = ", ".join(addresses)
    message.set_content(text)
    hand_over([SENDMAIL, "-t", "-oi"], message.as_bytes())


def write(text: str) -> None:
    """Write to standard output, now."""
    sys.stdout.buffer.write(text.encode("utf-8"))
    sys.stdout.buffer.flush()


def hand_over(command: list[str], content: bytes) -> None:
    """Give a program something to read; raises some Exception unless it ends well."""
    if not command:
        raise ValueError("--command names no program")
    try:
        ended = subprocess.run(command, input=content, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        raise OSError(f"{command[0]} did not end within a minute") from None
    if ended.returncode:
        raise OSError(f"{command[0]} ended with status {ended.returncode}")


def explain(error: Exception) -> str:
    """Give an error in a few words, as text that can be sent."""
    return f"{type(error).__name__}: {error}"[:LONGEST_REASON]


def look(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """Look once; give what is to be told, whatever happened."""
    try:
        if not 0 < arguments.minutes <= MOST_MINUTES:
            raise ValueError(f"--minutes must be from 1 to {MOST_MINUTES}")  # noqa: TRY301 -- told below
        document = read_heartbeat(arguments.url, arguments.file, arguments.seconds)
        return find_alarms(document, datetime.now(UTC), timedelta(minutes=arguments.minutes))
    except Exception as error:  # noqa: BLE001 -- what cannot be read is an alarm, whatever it is
        reason = explain(error)
        return [(
            f"Không đọc được tín hiệu hoạt động của Giữ Cổng ({reason}).",
            f"The sign of life of Giữ Cổng cannot be read ({reason}).",
        )]  # fmt: skip


def main() -> int:
    """Look, tell, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--url", help="where heartbeat.json is fetched from")
    place.add_argument("--file", help="or where it lies on this machine")
    parser.add_argument("--minutes", type=int, default=15, help="silence that alarms; 15")
    parser.add_argument("--seconds", type=float, default=TIMEOUT_SECONDS, help="to wait for it; 20")
    parser.add_argument("--mail", action="append", help="mail address, through local sendmail")
    parser.add_argument("--command", help="program that reads the alarm on standard input")
    arguments = parser.parse_args()
    alarms = look(arguments)
    if not alarms:
        return ALIVE
    text = word(alarms, arguments.url or arguments.file)
    failed = send(text, arguments)
    if failed:
        told = f"{text}NOT SENT / KHÔNG GỬI ĐƯỢC: {'; '.join(failed)}\n"
        sys.stderr.buffer.write(told.encode("utf-8", "backslashreplace"))
        sys.stderr.flush()
        return NOT_SENT
    return ALARM


if __name__ == "__main__":
    os._exit(main())  # at once: a read that hangs on a dead mount must not hold the process
