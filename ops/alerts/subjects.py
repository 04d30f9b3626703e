"""What a condition is about, in words; and what is told along with it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ops.language.text import N_, _
from ops.told_text import clean_text

_KINDS = {
    "host": N_("host"),
    "device": N_("device"),
    "site": N_("site"),
    "line": N_("line"),
    "store": N_("store"),
    "disk": N_("disk"),
    "inodes": N_("inodes of"),
    "unit": N_("service unit"),
    "mount": N_("mounted folder"),
    "page": N_("page"),
    "check": N_("check of"),
    "port": N_("port"),
    "pressure": N_("pressure on"),
    "copy": N_("copy"),
    "job": N_("runs of"),
    "late": N_("newest backup of"),
    "frozen": N_("backups in doubt of"),
    "vanished": N_("vanished site"),
}
WHOLE = {
    "host:this-machine": N_("this machine"),
    "watch:process": N_("the watch itself"),
    "watch:line": N_("our own line"),
    "watch:resolver": N_("our nameservers"),
    "watch:series": N_("what is measured"),
    "watch:metrics": N_("`/metrics`"),
}
_ASPECTS = {
    "forecast": N_("forecast"),
    "certificate": N_("certificate"),
    "cpu": N_("processors"),
    "load": N_("load"),
    "memory": N_("memory"),
    "swap": N_("swap"),
    "clock": N_("clock"),
    "units": N_("service units"),
    "reboot": N_("restart"),
    "updates": N_("updates"),
    "log": N_("system log"),
    "disks": N_("disks"),
    "names": N_("addresses"),
    "words": N_("words on the page"),
    "issuer": N_("issuer of the certificate"),
    "speed": N_("speed"),
    "ipv6": "IPv6",
    "ping": "ping",
}
_HAVE_ASPECTS = frozenset({"host", "device", "site"})
_MOST_NAMED = 10
_LONGEST = 120


def name_subject(subject: str) -> str:
    """Name a subject for people: `host:web1/disk:/var` is "host web1, disk /var"."""
    parts, rest = [], clean_text(subject)[:_LONGEST]
    while rest:
        cut = _find_next(rest)
        part, rest = rest[:cut], rest[cut + 1 :]
        parts.append(_name_level(part))
    return ", ".join(parts)


def _name_level(part: str) -> str:
    if words := WHOLE.get(part) or _ASPECTS.get(part):
        return _(words)
    kind, colon, name = part.partition(":")
    known = _KINDS.get(kind)
    return (f"{_(known)} {name}" if known and colon else f"{kind} {name}").strip()


def _find_next(text: str) -> int:
    """Give where the next level begins: after a forecast; at a slash that a known word follows."""
    if text.startswith("forecast:"):
        return text.find(":")
    at, above = text.find("/"), text.partition(":")[0]
    while at >= 0:
        kind, colon, after = text[at + 1 :].partition(":")
        is_aspect = kind in _ASPECTS and not (colon or after) and above in _HAVE_ASPECTS
        if is_aspect or (colon and kind.isidentifier() and "/" not in kind):
            return at
        at = text.find("/", at + 1)
    return len(text)


def name_subjects(subjects: Sequence[str], count: int) -> str:
    """Name the first of some subjects, and say how many more there are."""
    names = "; ".join(name_subject(it) for it in subjects[:_MOST_NAMED])
    more = count - min(len(subjects), _MOST_NAMED)
    return f"{names} " + _("and {count} more").format(count=more) if more > 0 else names


def tell_watch(params: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is told along with a condition: what stands on it, and that it keeps changing."""
    watch = params.get("watch", {})
    if watch.get("hidden_count"):
        text = _("red with it, and not told apart ({count}): {names}")
        names = name_subjects(watch["hidden"], watch["hidden_count"])
        yield text.format(count=watch["hidden_count"], names=names)
    if watch.get("changes"):
        text = _("it changed {count} times within an hour; the alert stays open until it is steady")
        yield text.format(count=watch["changes"])
