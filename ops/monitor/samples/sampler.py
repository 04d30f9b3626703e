"""Rounds of looks at all machines and devices of an estate, over connections that are kept."""

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Generic, TypeVar

from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.hosts.connect import make_target
from ops.monitor.samples.judge import device_subject, host_subject
from ops.monitor.samples.look import MachineLook, names_of_machines
from ops.monitor.samples.sample import THIS_MACHINE, Sample, Unseen, Upkeep
from ops.monitor.samples.take import (
    SAMPLE_SECONDS,
    Reply,
    ask_device,
    keep_reason,
    take_sample,
    take_upkeep,
)
from provisioning.hosts import Host
from provisioning.local_host import LocalHost
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import WIDTH, SshPool

T = TypeVar("T")


@dataclass(slots=True)
class Lanes(Generic[T]):
    """The two lanes.

    Nobody who is dead or slow delays the others. Those that answered last time share one lane,
    those that did not another and narrower one. A visit that is not over by the end of a round goes
    on by itself; nobody is visited twice at once.

    Attributes:
        is_well: Tells an answer from none.
        width: How many are visited at once; of those that did not answer half as many, so that
            their handshakes cannot use up all that may run at once (`provisioning.ssh.pool`).
    """

    is_well: Callable[[T], bool]
    width: int = WIDTH
    _doubtful: set[str] = field(init=False, default_factory=set)
    _under_way: dict[str, "Future[T]"] = field(init=False, default_factory=dict)
    _well: ThreadPoolExecutor = field(init=False)
    _ill: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._well = ThreadPoolExecutor(self.width, "visit")
        self._ill = ThreadPoolExecutor(max(self.width // 2, 1), "visit-again")

    def visit(self, visits: Mapping[str, Callable[[], T]], deadline: float) -> dict[str, T]:
        """Make a round; who is missing in what it gives was not reached, or has not ended yet.

        Args:
            visits: By name; they raise nothing.
            deadline: Until when, by `time.monotonic`.
        """
        for name, future in list(self._under_way.items()):
            if future.done() or name not in visits:
                del self._under_way[name]  # came too late: of another round
        for name, visit in visits.items():
            if name not in self._under_way:
                lane = self._ill if name in self._doubtful else self._well
                self._under_way[name] = lane.submit(visit)
        wait([self._under_way[name] for name in visits], max(deadline - time.monotonic(), 0))
        ended = {name: it for name, it in self._under_way.items() if it.done()}
        found = {name: it.result() for name, it in ended.items()}
        for name in ended:
            del self._under_way[name]
        self._doubtful = {name for name in visits if not self._is_well(found, name)}
        return found

    def _is_well(self, found: Mapping[str, T], name: str) -> bool:
        return name in found and self.is_well(found[name])

    def close(self) -> None:
        """Begin no more visits; those under way are not waited for."""
        for lane in (self._well, self._ill):
            lane.shutdown(wait=False, cancel_futures=True)


UPKEEP_EVERY_SECONDS = 3600.0
_AGAIN_SECONDS = 600.0
_UPKEEP_WIDTH = 2
_SILENT_SECONDS = SAMPLE_SECONDS + 2.0
_SILENT = frozenset({"unreachable", "slow", "flooding"})

Seen = Sample | Unseen | Reply


def _is_well(seen: Seen) -> bool:
    """Say whether somebody answered, and in time; a refusal is quick."""
    if isinstance(seen, Unseen):
        return seen.cause not in _SILENT
    return not isinstance(seen, Reply) or seen.is_there is not False


@dataclass(slots=True)
class _Upkeep:
    """What changes slowly, and when it was last looked at."""

    found: dict[str, Upkeep | Unseen] = field(default_factory=dict)
    _asked_at: dict[str, float] = field(default_factory=dict)
    _under_way: dict[str, "Future[Upkeep | Unseen]"] = field(default_factory=dict)
    _lane: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_UPKEEP_WIDTH, "upkeep")
    )

    def look(self, hosts: Mapping[str, Host | Unseen]) -> None:
        """Take what has ended, and ask whose hour is over; waits for nobody."""
        self._take()
        now = time.monotonic()
        for name, host in hosts.items():
            is_due = now - self._asked_at.get(name, -UPKEEP_EVERY_SECONDS) >= UPKEEP_EVERY_SECONDS
            if is_due and name not in self._under_way and not isinstance(host, Unseen):
                self._asked_at[name] = now
                self._under_way[name] = self._lane.submit(take_upkeep, host)

    def wait(self, deadline: float) -> None:
        """Wait for all that was asked, and take it."""
        for future in list(self._under_way.values()):
            with suppress(TimeoutError):
                future.result(max(deadline - time.monotonic(), 0))
        self._take()

    def _take(self) -> None:
        for name, future in list(self._under_way.items()):
            if future.done():
                self.found[name] = future.result()
                del self._under_way[name]
                if isinstance(self.found[name], Unseen):
                    self._asked_at[name] += _AGAIN_SECONDS - UPKEEP_EVERY_SECONDS

    def close(self) -> None:
        self._lane.shutdown(wait=False, cancel_futures=True)


@dataclass(slots=True)
class Sampler:
    """Looks at machines and devices; used by one thread.

    What changes slowly is looked at hourly, a few machines at a time and beside the rounds: it
    takes a machine seconds, and nobody waits for it.

    Attributes:
        estate: Says which.
        pool: Its connections; its own, so that a backup's sessions and its own do not meet.
    """

    estate: Estate
    pool: SshPool = field(default_factory=SshPool)
    _lanes: Lanes[Seen] = field(default_factory=lambda: Lanes(_is_well))
    _upkeep: _Upkeep = field(default_factory=_Upkeep)
    _hosts: dict[str, Host | Unseen] = field(default_factory=dict)
    _before: dict[str, Sample] = field(default_factory=dict)

    def look(
        self,
        deadline: float,
        *,
        machines: Collection[str] | None = None,
        with_devices: bool = True,
        with_upkeep: bool = True,
    ) -> MachineLook:
        """Look at all of it once.

        Args:
            deadline: Until when, by `time.monotonic`.
            machines: Names of those that are looked at; None for all.
            with_devices: Whether devices are looked at.
            with_upkeep: Whether what changes slowly is looked at, where its hour is over.
        """
        at = datetime.now(UTC)
        names = names_of_machines(self.estate) if machines is None else machines
        hosts = {name: self._host(name) for name in names}
        devices = self.estate.devices if with_devices else ()
        found = self._lanes.visit(
            {host_subject(name): partial(_look_at, host) for name, host in hosts.items()}
            | {device_subject(it.name): partial(ask_device, it) for it in devices},
            deadline,
        )
        if with_upkeep:
            self._upkeep.look(hosts)
        seen = {name: found.get(host_subject(name), Unseen("not_asked")) for name in names}
        answers = {it.name: found.get(device_subject(it.name)) for it in devices}
        look = MachineLook(
            at=at,
            machines={name: it for name, it in seen.items() if not isinstance(it, Reply)},
            before=dict(self._before),
            upkeep=dict(self._upkeep.found),
            answers={name: it if isinstance(it, Reply) else None for name, it in answers.items()},
        )
        self._before |= {name: it for name, it in seen.items() if isinstance(it, Sample)}
        return look

    def wait_for_upkeep(self, deadline: float) -> None:
        """Wait until what changes slowly was seen, of all that were asked for it."""
        self._upkeep.wait(deadline)

    def close(self) -> None:
        """Close all connections; looks that are under way fail soon and are not waited for."""
        self._lanes.close()
        self._upkeep.close()
        self.pool.close()

    def _host(self, name: str) -> Host | Unseen:
        if name not in self._hosts:
            self._hosts[name] = self._open(name)
        return self._hosts[name]

    def _open(self, name: str) -> Host | Unseen:
        """Make a host that keeps to no bandwidth: 3 kB must not wait for a backup's gigabytes."""
        if name == THIS_MACHINE:
            return LocalHost()
        try:
            target = make_target(self.estate, name)
            return SshHost(replace(target, silence_seconds=_SILENT_SECONDS), self.pool)
        except OpsError as error:
            return Unseen("own_key", keep_reason(error.what, error.params))


def _look_at(host: Host | Unseen) -> Seen:
    return host if isinstance(host, Unseen) else take_sample(host)
