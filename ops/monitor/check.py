"""Look once, now, at everything or at one host or site, and show what was seen; writes nothing."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.alerts.drafts import SEVERITIES
from ops.alerts.looks import RED, Condition
from ops.alerts.silences import is_below
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_duration, format_number
from ops.language.text import LABELS, N_, _, ngettext
from ops.monitor.probes.probe import judge_look as judge_lines
from ops.monitor.probes.probe import judge_probe, probe_sites
from ops.monitor.probes.result import ProbeResult
from ops.monitor.probes.target import list_targets, surroundings_of
from ops.monitor.samples.look import MachineLook, judge_look
from ops.monitor.samples.sample import THIS_MACHINE, Sample, Unseen
from ops.monitor.samples.sampler import Sampler
from ops.monitor.samples.take import Reply
from ops.monitor.tasks import CheckOnce
from ops.outcomes import explain
from ops.terminal.output import Cell, Tone, write_indented, write_json, write_line, write_table

_BETWEEN_SECONDS = 1.0
"""Between two looks: the share of the processors is that of the time between."""

_LONGEST_SECONDS = 45.0
_UPKEEP_SECONDS = 60.0
_STATES: dict[str, tuple[str, Tone]] = {
    "bad": (N_("red"), "bad"),
    "no_data": (N_("no data"), "bad"),
    "passing": (N_("look at it"), "warning"),
    "not_checked": (N_("not checked"), "warning"),
    "good": (N_("well"), "good"),
}
_PASSING = timedelta(minutes=5)
"""What counts only when it lasts longer may be over in a moment: one look does not call it red."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What one look at everything found.

    Attributes:
        look: Of machines and devices.
        results: Of sites.
        conditions: All that was judged.
    """

    look: MachineLook
    results: Sequence[ProbeResult]
    conditions: Sequence[Condition]


def check_now(wish: CheckOnce) -> int:
    """Look, and write what was seen; gives 1 where something is red, else 0."""
    estate = load_estate()
    if wish.host and wish.site:
        raise WrongUseError(
            "--host and --site do not go together",
            why="one look is at one of them, or at everything",
            data="nothing was looked at",
            next_step="leave out one of them",
        )
    checked = _look(estate, wish.host, wish.site)
    code = 1 if any(_state_of(it) in RED for it in checked.conditions) else 0
    if wish.json:
        write_json(map(_as_values, checked.conditions), ok=code == 0, **_figures(checked))
        return code
    _write_problems(checked.conditions)
    _write_machines(estate, checked)
    _write_sites(checked)
    _write_not_checked(checked.conditions)
    if code == 0:
        write_line(_("Nothing that was looked at is red."))
    return code


def _look(estate: Estate, host: str, site: str) -> Checked:
    targets = [it for it in list_targets(estate) if site in {"", it.site}] if not host else []
    if site:
        estate.site(site)
        if not targets:
            raise WrongUseError(
                "the site {site} is not probed",
                why="the estate names no `url` for it, or takes it out",
                data="nothing was looked at",
                next_step="write `url` for the site, then run `{program} estate.check`",
                site=site,
            )
    if host and host != THIS_MACHINE:
        estate.host(host)
    look = _look_at_machines(estate, host, is_wanted=not site)
    deadline = time.monotonic() + _LONGEST_SECONDS
    around = surroundings_of(estate)
    results = probe_sites(targets, {}, datetime.now(UTC), deadline=deadline, around=around)
    conditions = [*judge_look(estate, look)] if not site else []
    if host:
        conditions = [it for it in conditions if is_below(it.subject, f"host:{host}")]
    conditions += judge_lines(results) if results else []
    for result in results:
        conditions += judge_probe(result, estate.thresholds_for_site(result.site))
    return Checked(look, results, _in_order(conditions))


def _look_at_machines(estate: Estate, host: str, *, is_wanted: bool) -> MachineLook:
    """Look twice: the share of the processors is known from the second on."""
    machines = None if is_wanted and not host else [host] if host else []
    sampler = Sampler(estate)
    try:
        for pause in (_BETWEEN_SECONDS, 0.0) if is_wanted else (0.0,):
            look = sampler.look(
                time.monotonic() + _LONGEST_SECONDS,
                machines=machines,
                with_devices=is_wanted and not host,
                with_upkeep=bool(host),
            )
            time.sleep(pause)
        if host:
            sampler.wait_for_upkeep(time.monotonic() + _UPKEEP_SECONDS)
            look = sampler.look(
                time.monotonic() + _LONGEST_SECONDS,
                machines=machines,
                with_devices=False,
                with_upkeep=True,
            )
    finally:
        sampler.close()
    return look


def _in_order(conditions: Sequence[Condition]) -> list[Condition]:
    """Put the red first, the gravest of them at the top."""
    states = list(_STATES)
    return sorted(
        conditions,
        key=lambda it: (states.index(_state_of(it)), -SEVERITIES.index(it.severity), it.subject),
    )


def _state_of(condition: Condition) -> str:
    """Give how it is called: what is no more than a warning is red nowhere (`Problem.level`)."""
    is_mild = condition.severity != "critical" or condition.holds_for > _PASSING
    return "passing" if condition.state in RED and is_mild else condition.state


def _as_values(condition: Condition) -> dict[str, Any]:
    values = asdict(condition)
    values["holds_for"] = condition.holds_for.total_seconds()
    if condition.state in RED:
        values |= asdict(explain(condition.code, condition.params, site=condition.site))
    return values


def _figures(checked: Checked) -> dict[str, Any]:
    machines = {
        name: asdict(it) | ({"cpu_percent": _cpu(checked.look, name, it)} if _is(it) else {})
        for name, it in checked.look.machines.items()
    }
    return {"at": checked.look.at, "machines": machines, "devices": checked.look.answers}


def _is(seen: Sample | Unseen) -> bool:
    return isinstance(seen, Sample)


def _write_problems(conditions: Sequence[Condition]) -> None:
    for condition in conditions:
        if condition.state not in RED:
            continue
        told = explain(condition.code, condition.params, site=condition.site)
        style = "yellow" if _state_of(condition) == "passing" else "bold red"
        about = f"{condition.site}: " if condition.site else ""
        write_indented(f"● {about}{told.what}", "", "  ", style=style)
        for label, text in (("why", told.why), ("data", told.data), ("next_step", told.next_step)):
            if text:
                write_indented(f"{_(LABELS[label])}: {text}", "    ", "      ")
        if condition.holds_for > timedelta():
            lasts = format_duration(condition.holds_for)
            text = _("it is told when it lasts {duration}").format(duration=lasts)
            write_indented(text, "    ", "      ")
    if any(it.state in RED for it in conditions):
        write_line()


def _write_machines(estate: Estate, checked: Checked) -> None:
    rows: list[Sequence[str | Cell]] = [
        (_name_of(name), _state_cell(checked, f"host:{name}"), *_columns(checked.look, name, seen))
        for name, seen in checked.look.machines.items()
    ]
    for device in estate.devices:
        if device.name in checked.look.answers:
            answer = checked.look.answers[device.name]
            state = _state_cell(checked, f"device:{device.name}")
            rows.append((device.title or device.name, state, *_empty(), _ping(answer)))
    if rows:
        heads = [
            _("Machine"),
            _("State"),
            _("Processors"),
            _("Memory"),
            _("Fullest disk"),
            _("Load"),
            _("Clock"),
            _("Round trip"),
        ]
        write_table(heads, rows, right=(2, 3, 5, 6, 7))
        write_line()


def _state_cell(checked: Checked, subject: str) -> Cell:
    """Give the gravest state of something and of all below it; not checked only where all is."""
    found = [_state_of(it) for it in checked.conditions if is_below(it.subject, subject)]
    order = ("bad", "no_data", "passing", "good")
    text, tone = _STATES[next((it for it in order if it in found), "not_checked")]
    return Cell(_(text), tone)


def _name_of(machine: str) -> str:
    return _("this machine") if machine == THIS_MACHINE else machine


def _columns(look: MachineLook, name: str, seen: Sample | Unseen) -> Iterator[str]:
    if isinstance(seen, Unseen):
        yield from (*_empty(), "–")
        return
    fullest = max(
        (it for it in seen.disks if it.percent), key=lambda it: it.percent or 0.0, default=None
    )
    yield _percent(_cpu(look, name, seen))
    yield _percent(seen.memory_percent)
    yield f"{fullest.path} {_percent(fullest.percent)}" if fullest else "–"
    yield format_number(seen.load[1], 2) if seen.load else "–"
    yield "–" if seen.offset is None else f"{format_number(seen.offset, 1)} s"
    yield "–"


def _empty() -> tuple[str, ...]:
    return ("–",) * 5


def _cpu(look: MachineLook, name: str, seen: Sample | Unseen) -> float | None:
    before = look.before.get(name)
    if not isinstance(seen, Sample) or seen.ticks is None:
        return None
    return seen.ticks.percent_since(before.ticks if before else None)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} %"


def _ping(answer: Reply | None) -> str:
    if answer is None or not answer.ping_seconds:
        return "–"
    return f"{format_number(answer.ping_seconds * 1000, 1)} ms"


def _write_sites(checked: Checked) -> None:
    if not checked.results:
        return
    rows = [
        (
            it.site,
            _state_cell(checked, f"site:{it.site}"),
            "–" if it.status is None else str(it.status),
            _seconds(it.seconds.get("first_byte")),
            _seconds(it.seconds.get("whole")),
            "–" if it.certificate is None else f"{(it.certificate.ends_at - it.at).days}",
        )
        for it in checked.results
    ]
    heads = [
        _("Site"),
        _("State"),
        _("HTTP status"),
        _("First byte"),
        _("Whole"),
        _("Certificate, days"),
    ]
    write_table(heads, rows, right=(2, 3, 4, 5))
    write_line()


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{format_number(value, 2)} s"


def _write_not_checked(conditions: Sequence[Condition]) -> None:
    names = [it.subject for it in conditions if it.state == "not_checked"]
    if names:
        text = ngettext(
            "not checked: {count} thing: {names}",
            "not checked: {count} things: {names}",
            len(names),
        )
        write_indented(text.format(count=len(names), names=", ".join(names[:20])), "", "  ")
