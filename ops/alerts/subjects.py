"""What a condition is about, in words; and what is told along with it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ops.canonical import clean_text
from ops.language.text import N_, _

_KINDS = {
    "host": N_("host"),
    "site": N_("site"),
    "line": N_("line"),
    "disk": N_("disk"),
    "inodes": N_("inodes of"),
    "unit": N_("service unit"),
    "mount": N_("mounted folder"),
    "page": N_("page"),
    "certificate": N_("certificate of"),
    "store": N_("store"),
    "copy": N_("copy"),
}
_MOST_NAMED = 10
_LONGEST = 120


def name_subject(subject: str) -> str:
    """Name a subject for people: `host:web1/disk:/var` is "host web1, disk /var"."""
    parts, rest = [], clean_text(subject)[:_LONGEST]
    while rest:
        kind, colon, after = rest.partition(":")
        cut = _find_next(after)
        name, rest = after[:cut], after[cut + 1 :]
        known = _KINDS.get(kind)
        told = f"{_(known)} {name}" if known and colon else f"{kind} {name}"
        parts.append(told.strip())
    return ", ".join(parts)


def _find_next(text: str) -> int:
    """Give where the next level begins: at a slash that a kind and a colon follow."""
    at = text.find("/")
    while at >= 0:
        kind, colon, _after = text[at + 1 :].partition(":")
        if colon and kind.isidentifier() and "/" not in kind:
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
