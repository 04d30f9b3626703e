"""Read one line of a web server's log: was a page shown, on which day, and to a robot; pure.

Formats: common and combined (https://httpd.apache.org/docs/current/logs.html), and a JSON object a
line with the names that nginx and Caddy users give. What is no such line is left out.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

LONGEST = 16_384
_LINE = re.compile(
    r'\S+ \S+ [^\[]{0,200}\[([^\]]{20,32})\] "([A-Z]{3,10}) (\S{1,8000})[^"]{0,20}" (\d{3}) \S+'
    r'(?: "(?:[^"\\]|\\.){0,8000}" "((?:[^"\\]|\\.){0,4000})")?'
)
_PARTS = re.compile(
    r"\.(?:css|js|mjs|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|eot|mp4|mp3|xml|txt|json)$",
    re.IGNORECASE,
)
_ROBOTS = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|curl/|wget/|python|java/|go-http|libwww|headless|monitor|probe"
    r"|scan|feed|facebookexternalhit|giucong",
    re.IGNORECASE,
)
_GOOD = range(200, 400)
_NAMES: Mapping[str, tuple[str, ...]] = {
    "at": ("time_iso8601", "time_local", "time", "timestamp", "ts"),
    "method": ("request_method", "method"),
    "path": ("request_uri", "uri", "path"),
    "status": ("status",),
    "agent": ("http_user_agent", "user_agent"),
}


@dataclass(frozen=True, slots=True)
class Visit:
    """A page that was shown: on which of the organisation's days, and whether to a robot."""

    day: date
    is_robot: bool


def parse_line(line: bytes, zone: ZoneInfo) -> Visit | None:
    """Give the visit that a line tells of; None where it tells of none."""
    if len(line) > LONGEST:
        return None
    text = line.decode("utf-8", "replace").strip()
    found = _parse_json(text) if text.startswith("{") else _parse_words(text)
    if found is None:
        return None
    at, method, path, status, agent = found
    is_page = method == "GET" and status in _GOOD and not _PARTS.search(path.partition("?")[0])
    day = _day_of(at, zone) if is_page else None
    if day is None:
        return None
    return Visit(day, is_robot=not agent.strip("- ") or bool(_ROBOTS.search(agent)))


_Found = tuple[str, str, str, int, str]  # when, method, path, status, agent


def _parse_words(text: str) -> _Found | None:
    match = _LINE.match(text)
    if match is None:
        return None
    # The common format has no agent: nobody can tell robots apart, so they count as people.
    agent = "unknown" if match[5] is None else match[5]
    return match[1], match[2], match[3], int(match[4]), agent


def _parse_json(text: str) -> _Found | None:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    inner = row.get("request")
    both = {**inner, **row} if isinstance(inner, dict) else row
    named = {
        name: next((str(both[it]) for it in places if it in both), "")
        for name, places in _NAMES.items()
    }
    if not named["status"].isascii() or not re.fullmatch(r"\d{3}", named["status"]):
        return None
    return named["at"], named["method"], named["path"], int(named["status"]), named["agent"]


def _day_of(text: str, zone: ZoneInfo) -> date | None:
    try:
        if re.fullmatch(r"\d{9,10}(\.\d{1,9})?", text):
            return datetime.fromtimestamp(float(text), UTC).astimezone(zone).date()
        if "/" in text:
            return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z").astimezone(zone).date()
        moment = datetime.fromisoformat(text)
        return moment.astimezone(zone).date() if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
