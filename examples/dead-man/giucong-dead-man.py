#!/usr/bin/env python3

"""Sound the alarm when Giữ Cổng falls silent: one file, nothing but Python, for another machine.

It reads the service's `heartbeat.json` and says, in Vietnamese and English, when the file is
older than it may be, cannot be read, or names a site whose newest backup is too old. Run it from
cron on a machine that does not depend on the first one, every ten minutes:

    */10 * * * *  /opt/giucong-dead-man.py --url https://…/heartbeat.json --mail nva@example.vn
    */10 * * * *  /opt/giucong-dead-man.py --file /mnt/giucong/heartbeat.json --command 'send-sms'

Exit code 0: alive and in time. 1: alarm. 2: alarm that could not be sent. Without `--mail` and
`--command` the alarm goes to standard output, which cron mails by itself.
"""

from __future__ import annotations

import argparse
import http.client
import json
import shlex
import socket
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

FORMAT = "giucong-heartbeat-1"
MOST_BYTES = 5_000_000
TIMEOUT_SECONDS = 20
AHEAD = timedelta(minutes=10)
SENDMAIL = "/usr/sbin/sendmail"
MINUTES_TOLD = 120
NAMED = {"giucong": ("Chính Giữ Cổng (giucong)", "Giữ Cổng itself (giucong)")}
ALIVE, ALARM, NOT_SENT = 0, 1, 2


def read_heartbeat(url: str | None, file: str) -> dict[str, Any]:
    """Give the heartbeat as a table; raises OSError or ValueError where it cannot be read."""
    if url:
        if not url.startswith(("https://", "http://")):
            raise ValueError("not an http(s) address: " + url)
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 -- looked at above
            content = answer.read(MOST_BYTES)
    else:
        with open(file, "rb") as source:  # noqa: PTH123 -- as plain as it gets
            content = source.read(MOST_BYTES)
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
            f"Giữ Cổng im lặng đã {age[0]} (dấu hiệu sống cuối cùng: {document['at']}).",
            f"Giữ Cổng has been silent for {age[1]} (last sign of life: {document['at']}).",
        )]  # fmt: skip
    if at - now > AHEAD:
        return [(
            f"Đồng hồ hai máy lệch nhau: dấu hiệu sống ghi giờ tương lai {document['at']}.",
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
        f"{vi}: bản sao lưu mới nhất đã {age[0]} tuổi (mục tiêu: {target[0]}).",
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
    return "\n".join([
        "BÁO ĐỘNG: hãy xem máy chạy Giữ Cổng.",
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


def send(text: str, arguments: argparse.Namespace) -> None:
    """Mail the alarm, hand it to the command, or print it; raises OSError when that fails."""
    if arguments.mail:
        mail = EmailMessage()
        mail["Subject"] = "[Giữ Cổng] BÁO ĐỘNG / ALARM"
        mail["To"] = ", ".join(arguments.mail)
        mail.set_content(text)
        hand_over([SENDMAIL, "-t", "-oi"], mail.as_bytes())
    if arguments.command:
        hand_over(shlex.split(arguments.command), text.encode("utf-8"))
    if not arguments.mail and not arguments.command:
        sys.stdout.buffer.write(text.encode("utf-8"))


def hand_over(command: list[str], content: bytes) -> None:
    """Give a program something to read; raises OSError unless it ends well."""
    try:
        ended = subprocess.run(command, input=content, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        raise OSError(f"{command[0]} did not end within a minute") from None
    if ended.returncode:
        raise OSError(f"{command[0]} ended with status {ended.returncode}")


def main() -> int:
    """Look once; give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--url", help="where heartbeat.json is fetched from")
    place.add_argument("--file", help="or where it lies on this machine")
    parser.add_argument("--minutes", type=int, default=15, help="silence that alarms; 15")
    parser.add_argument("--mail", action="append", help="mail address, through local sendmail")
    parser.add_argument("--command", help="program that reads the alarm on standard input")
    arguments = parser.parse_args()
    source = arguments.url or arguments.file
    now = datetime.now(UTC)
    try:
        document = read_heartbeat(arguments.url, arguments.file)
        alarms = find_alarms(document, now, timedelta(minutes=arguments.minutes))
    except (
        OSError, ValueError, KeyError, TypeError, AttributeError, http.client.HTTPException
    ) as error:  # fmt: skip
        reason = f"{type(error).__name__}: {error}"
        alarms = [(
            f"Không đọc được dấu hiệu sống của Giữ Cổng ({reason}).",
            f"The sign of life of Giữ Cổng cannot be read ({reason}).",
        )]  # fmt: skip
    if not alarms:
        return ALIVE
    text = word(alarms, source)
    try:
        send(text, arguments)
    except OSError as error:
        sys.stderr.buffer.write(f"{text}NOT SENT / KHÔNG GỬI ĐƯỢC: {error}\n".encode())
        return NOT_SENT
    return ALARM


if __name__ == "__main__":
    sys.exit(main())
