"""One look at everything that is not a site: what was found, judged and as points; pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from ops.alerts.looks import Condition
from ops.estate.model.estate import Estate
from ops.monitor.samples.judge import (
    device_subject,
    host_subject,
    judge_device,
    judge_line,
    judge_machine,
    parent_of,
)
from ops.monitor.samples.sample import THIS_MACHINE, Sample, Unseen, Upkeep, list_points
from ops.monitor.samples.take import Reply

ROOTS = ("host:", "device:", "line:")
"""What a whole look covers, as `ops.alerts.watch.take_look` is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineLook:
    """What one look found.

    Attributes:
        at: When it began; UTC.
        machines: By name of the host, `THIS_MACHINE` among them.
        before: The sample before, where there is one.
        upkeep: What was last seen of what changes slowly.
        answers: By name of the device; None where its turn did not come.
    """

    at: datetime
    machines: Mapping[str, Sample | Unseen]
    before: Mapping[str, Sample]
    upkeep: Mapping[str, Upkeep | Unseen]
    answers: Mapping[str, Reply | None]


def judge_look(estate: Estate, look: MachineLook) -> list[Condition]:
    """Judge everything that was looked at, each line before what hangs on it."""
    return [*_judge_lines(estate, look), *_judge_machines(estate, look), *_judge_rest(estate, look)]


def _judge_machines(estate: Estate, look: MachineLook) -> Iterator[Condition]:
    hosts = {it.name: it for it in estate.hosts}
    for name, seen in look.machines.items():
        host = hosts.get(name)
        yield from judge_machine(
            name,
            seen,
            look.before.get(name),
            look.upkeep.get(name),
            estate.thresholds_for_host(name),
            parent=parent_of(jump=host.jump, line=host.line) if host else "",
        )


def _judge_rest(estate: Estate, look: MachineLook) -> Iterator[Condition]:
    """Judge devices; a host without a shell is not looked at, and not told as good."""
    for device in estate.devices:
        if device.name in look.answers:
            parent = parent_of(jump=None, line=device.line)
            yield from judge_device(device, look.answers[device.name], parent=parent)
    for host in estate.hosts:
        if not host.shell:
            yield Condition(subject=host_subject(host.name), state="not_checked")


def _judge_lines(estate: Estate, look: MachineLook) -> Iterator[Condition]:
    on_line: defaultdict[str, dict[str, bool | None]] = defaultdict(dict)
    for host in estate.hosts:
        if host.line and host.name in look.machines:
            seen = look.machines[host.name]
            on_line[host.line][host_subject(host.name)] = _answers(seen)
    for device in estate.devices:
        if device.line and device.name in look.answers:
            answer = look.answers[device.name]
            on_line[device.line][device_subject(device.name)] = answer.is_there if answer else None
    return (judge_line(name, answers) for name, answers in on_line.items())


def _answers(seen: Sample | Unseen) -> bool | None:
    """Say whether a machine answers at all, be it with a refusal."""
    if isinstance(seen, Sample):
        return True
    if seen.cause in {"own_key", "not_asked"}:
        return None
    return seen.cause != "unreachable"


def list_look_points(look: MachineLook) -> Iterator[tuple[str, str, float]]:
    """Yield what is kept of a look: subject, metric, value."""
    for name, seen in look.machines.items():
        for metric, value in _points_of(look, name, seen).items():
            yield host_subject(name), metric, value
    for name, answer in look.answers.items():
        if answer is not None and answer.is_there is not None:
            yield device_subject(name), "up", float(answer.is_there)
            if answer.ping_seconds is not None:
                yield device_subject(name), "ping_seconds", answer.ping_seconds


def _points_of(look: MachineLook, name: str, seen: Sample | Unseen) -> dict[str, float]:
    answers, upkeep = _answers(seen), look.upkeep.get(name)
    found = {} if answers is None else {"up": float(answers)}
    if isinstance(seen, Sample):
        found |= list_points(seen, look.before.get(name))
    if isinstance(upkeep, Upkeep) and upkeep.security_updates is not None:
        found["security_updates"] = float(upkeep.security_updates)
    return found


def names_of_machines(estate: Estate) -> list[str]:
    """Give what is sampled: this machine, and every host with a shell."""
    return [THIS_MACHINE, *(it.name for it in estate.hosts if it.shell)]
