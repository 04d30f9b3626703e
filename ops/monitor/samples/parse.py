"""Read what a machine said about itself; pure, and whatever it is, bounded.

The machine may be in bad hands: a line that is no figure, or is none that a machine can have, makes
the whole look senseless; nothing of it is believed.
"""

import re
from collections.abc import Iterable, Iterator

from ops.language.text import N_, make_visible
from ops.monitor.samples.sample import Disk, Sample, Ticks, Upkeep

MOST_BYTES = 128 << 10
MOST_LINES = 4_000
MOST_NAME = 120
MOST_UNITS = 20
MOST_DISKS = 40

_WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?", re.ASCII)
_OCTAL = re.compile(r"\\([0-3][0-7][0-7])")
_KIND = re.compile(r"[a-z0-9][a-z0-9._-]{0,30}", re.ASCII)
_KIBIBYTE = 1024
_IDLE = (3, 4)  # of the columns of `cpu` in /proc/stat: idle, iowait (proc_stat(5))
_COUNTED = 8  # after these come guests, which are in `user` already
_YEAR_9999 = 253_402_300_800.0


_MORE_FREE = {
    "memory": N_("more memory is free than there is"),
    "swap": N_("more swap is free than there is"),
}


class SenselessError(ValueError):
    """A machine said what no machine can say; the text is our message and holds nothing of it."""


def parse_sample(raw: bytes, *, asked: float, heard: float) -> Sample:
    """Read the output of `sample.sh`.

    Args:
        raw: All of it.
        asked: Our clock when it was asked, seconds since 1970.
        heard: Our clock when the first of it came.
    """
    words = _read(raw)
    offset, error = _offset(words, asked, heard)
    return Sample(
        offset=offset,
        offset_error=error,
        load=_load(words),
        cores=sum(bool(re.fullmatch(r"/proc/stat:cpu[0-9]+", key)) for key in words) or None,
        ticks=_ticks(words),
        uptime=_decimal(words, "/proc/uptime"),
        **_memory(words),
        pressure=_pressure(words),
        disks=tuple(_disks(words)),
        more_disks="mounts" in words,
        failed_units=_units(words),
        wants_reboot={"yes": True, "no": False}.get(_first(words, "reboot")),
    )


def parse_upkeep(raw: bytes) -> Upkeep:
    """Read the output of `upkeep.sh`; ages are by the machine's own clock."""
    words = _read(raw)
    clock = _clock(words)
    updates = words.get("updates")
    counts = [_whole(it) for it in updates[0].split()] if updates else []
    if updates and len(counts) != 2:  # noqa: PLR2004 - all, and security's
        raise SenselessError(N_("its count of updates"))
    return Upkeep(
        updates=counts[0] if counts else None,
        security_updates=counts[1] if counts else None,
        lists_age=_age(words, "lists", clock),
        log_age=_age(words, "log", clock),
    )


def _read(raw: bytes) -> dict[str, list[str]]:
    """Give what follows each first word; the lines of /proc have its name and theirs as one."""
    if len(raw) > MOST_BYTES:
        raise SenselessError(N_("it is too long"))
    lines = raw.decode("utf-8", "replace").split("\n")
    if len(lines) > MOST_LINES or lines[-2:] != ["end", ""]:
        raise SenselessError(N_("it is cut off"))
    found: dict[str, list[str]] = {}
    for line in lines[:-2]:
        word, _, rest = line.partition(" ")
        if line.startswith(("/proc/loadavg:", "/proc/uptime:")):
            word, _, rest = line.partition(":")
        found.setdefault(word, []).append(rest.strip())
    for word, values in found.items():
        if word.startswith("/proc/") and not word.startswith("/proc/pressure/") and len(values) > 1:
            raise SenselessError(N_("it says something twice"))
    return found


def _first(words: dict[str, list[str]], key: str) -> str:
    return words[key][0] if key in words else ""


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise SenselessError(N_("no number stands where one should"))
    return int(text)


def _number(text: str) -> float:
    if not _DECIMAL.fullmatch(text):
        raise SenselessError(N_("no number stands where one should"))
    return float(text)


def _decimal(words: dict[str, list[str]], key: str) -> float | None:
    """Give the first number behind a key; None where the key did not come."""
    return _number(_first(words, key).partition(" ")[0]) if key in words else None


def _clock(words: dict[str, list[str]]) -> float | None:
    if len(words.get("clock", ())) != 1:
        raise SenselessError(N_("its clock"))
    text = words["clock"][0].removesuffix(".%N").removesuffix(".N")  # BusyBox has no fractions
    clock = _number(text)
    if clock > _YEAR_9999:
        raise SenselessError(N_("its clock"))
    return clock


def _offset(words: dict[str, list[str]], asked: float, heard: float) -> tuple[float | None, float]:
    """Give how far its clock is ahead: it was read about halfway between asking and hearing."""
    clock = _clock(words)
    trip = heard - asked
    if clock is None or trip < 0:
        return None, 0.0
    is_coarse = "." not in words["clock"][0] or words["clock"][0].endswith("N")
    halfway = asked + trip / 2
    return clock + (0.5 if is_coarse else 0.0) - halfway, trip / 2 + (0.5 if is_coarse else 0.0)


def _load(words: dict[str, list[str]]) -> tuple[float, float, float] | None:
    if "/proc/loadavg" not in words:
        return None
    parts = _first(words, "/proc/loadavg").split()
    if len(parts) < 3:  # noqa: PLR2004 - 1, 5 and 15 minutes
        raise SenselessError(N_("its load"))
    return _number(parts[0]), _number(parts[1]), _number(parts[2])


def _ticks(words: dict[str, list[str]]) -> Ticks | None:
    if "/proc/stat:cpu" not in words:
        return None
    columns = [_whole(it) for it in _first(words, "/proc/stat:cpu").split()][:_COUNTED]
    if len(columns) <= max(_IDLE):
        raise SenselessError(N_("its processors"))
    whole = sum(columns)
    return Ticks(whole - sum(columns[it] for it in _IDLE), whole)


def _memory(words: dict[str, list[str]]) -> dict[str, int | None]:
    names = {
        "memory": "MemTotal",
        "memory_free": "MemAvailable",
        "swap": "SwapTotal",
        "swap_free": "SwapFree",
    }
    found: dict[str, int | None] = {}
    for name, key in names.items():
        text = _first(words, f"/proc/meminfo:{key}:").partition(" ")[0]
        found[name] = _whole(text) * _KIBIBYTE if text else None
    for name in ("memory", "swap"):
        whole, free = found[name], found[f"{name}_free"]
        if whole is not None and free is not None and free > whole:
            raise SenselessError(_MORE_FREE[name])
    return found


def _pressure(words: dict[str, list[str]]) -> dict[str, float]:
    found = {}
    for what in ("cpu", "memory", "io"):
        for share in ("some", "full"):
            key = f"/proc/pressure/{what}:{share}"
            if len(words.get(key, ())) > 1:
                raise SenselessError(N_("it says something twice"))
            fields = dict(it.partition("=")[::2] for it in _first(words, key).split())
            if "avg60" in fields and (what, share) != ("cpu", "full"):
                found[f"{what} {share}"] = _percent(fields["avg60"])
    return found


def _percent(text: str) -> float:
    number = _number(text)
    if number > 101:  # noqa: PLR2004 - the kernel rounds up
        raise SenselessError(N_("a share above 100 %"))
    return min(number, 100.0)


def _units(words: dict[str, list[str]]) -> tuple[str, ...] | None:
    if "units" not in words:
        return None
    return tuple(clean_name(it) for it in words.get("unit", ())[:MOST_UNITS])


def _disks(words: dict[str, list[str]]) -> Iterator[Disk]:
    """Yield each mounted file system once; one without an answer hangs."""
    answers = _by_number(words.get("disk", ()))
    lost = _by_number(words.get("none", ()))
    seen: set[str] = set()
    for number, rest in list(_by_number(words.get("mount", ())).items())[:MOST_DISKS]:
        kind, _, raw = rest.partition(" ")
        path = clean_name(_plain_path(raw))
        if not _KIND.fullmatch(kind) or not raw.startswith("/"):
            raise SenselessError(N_("a mounted folder"))
        if number in lost or path in seen:
            continue
        seen.add(path)
        if number in answers:
            yield _disk(path, kind, answers[number])
        else:
            yield Disk(path=path, kind=kind, hangs=True)


def _by_number(lines: Iterable[str]) -> dict[int, str]:
    found: dict[int, str] = {}
    for line in lines:
        number, _, rest = line.partition(" ")
        if _whole(number) in found:
            raise SenselessError(N_("it says something twice"))
        found[_whole(number)] = rest
    return found


def _disk(path: str, kind: str, answer: str) -> Disk:
    """Make one of `stat -f`: block size, blocks, free ones, those for others than root, files.

    Some file systems make their figures up; one that cannot be is not seen, and spoils no other.
    """
    if not re.fullmatch(r"(?:[0-9]{1,18} ){5}[0-9]{1,18}", answer, re.ASCII):
        return Disk(path=path, kind=kind)
    block, blocks, free, free_for_others, files, files_free = map(int, answer.split())
    if free > blocks or free_for_others > free or files_free > files:
        return Disk(path=path, kind=kind)
    return Disk(
        path=path,
        kind=kind,
        size=block * blocks,
        used=block * (blocks - free),
        free=block * free_for_others,
        files=files,
        files_free=files_free,
    )


def _plain_path(raw: str) -> str:
    """Give a path as it is: /proc/mounts writes blanks and such in octal."""
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), raw)


def _age(words: dict[str, list[str]], key: str, clock: float | None) -> float | None:
    """Give how long ago the newest of some moments was; None where none came."""
    moments = [_number(it) for it in words.get(key, ())]
    return max(clock - max(moments), 0.0) if moments and clock is not None else None


def clean_name(text: str) -> str:
    """Give a name from a machine such as may be shown: no escapes, not too long."""
    shown = make_visible(text[: 4 * MOST_NAME], one_line=True)
    return shown if len(shown) <= MOST_NAME else f"{shown[: MOST_NAME - 1]}…"
