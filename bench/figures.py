"""Results of the comparison, and the arithmetic on them: medians, ratios pair by pair, targets."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Literal

from bench.measure import Measurement


@dataclass(frozen=True, slots=True)
class Target:
    """What a work should reach: how many times faster than restic.

    Attributes:
        at_least: Below this the work has missed its figure.
        hoped: What makes people switch.
    """

    at_least: float
    hoped: float


@dataclass(frozen=True, slots=True)
class Limit:
    """What a work beside hosts and lines may cost, for which restic is no measure.

    Attributes:
        at_most: Above this the work has missed its figure.
        hoped: What makes people switch; None where only the limit counts.
        against: The peer whose figure ours is divided by; None where our seconds count.
        of: What is compared.
    """

    at_most: float
    hoped: float | None
    against: str | None
    of: Literal["seconds", "bytes"] = "seconds"


FIRST = Target(1.6, 2.2)
TARGETS: dict[str, Target] = {
    "first-a": FIRST,
    "first-b": FIRST,
    "first-c": Target(1.5, 2.2),
    "unchanged-a": Target(2.5, 4.0),
    "unchanged-c": Target(2.5, 4.0),
    "after-a": Target(2.0, 3.0),
    "check-a": Target(1.1, 1.5),
    "restore-a": Target(2.0, 3.0),
    "restore-c": Target(2.0, 3.0),
    "prune": Target(1.5, 3.0),
    "s3-first": Target(1.3, 2.0),
    "s3-unchanged": Target(2.0, 4.0),
    "s3-restore": Target(1.5, 2.5),
}
RSYNC, DUMPER, UNDISTURBED = "rsync", "mariadb-dump", "undisturbed"
OCFL_PY, BARE_LOOP, WGET = "ocfl-py", "bare loop", "wget"
REAL: dict[str, Limit] = {
    "ssh-first": Limit(1.6, 1.2, RSYNC),
    "ssh-unchanged": Limit(2.0, 1.2, RSYNC),
    "ssh-many": Limit(8.0, 4.0, None),
    "ssh-many-apart": Limit(8.0, 4.0, None),
    "mariadb": Limit(2.0, 1.3, DUMPER),
    "bad-line": Limit(1.1, None, UNDISTURBED, "bytes"),
    "bad-line-short": Limit(1.1, None, UNDISTURBED, "bytes"),
}
ARCHIVE: dict[str, Limit] = {
    "archive-store": Limit(1 / 4, 1 / 8, OCFL_PY),
    "archive-scrub": Limit(1 / 0.7, 1 / 0.9, BARE_LOOP),
    "archive-crawl": Limit(1.0, 0.5, WGET),
    # 2000 items: at least 100 and 400 a second, hoped 250 and 800.
    "archive-ingest": Limit(20.0, 8.0, None),
    "archive-reindex": Limit(5.0, 2.5, None),
    # 400 questions; the program itself fails where 95 of 100 take longer than 100 ms.
    "archive-search": Limit(40.0, 12.0, None),
}
WATCH: dict[str, Limit] = {
    "watch-sample-cold": Limit(1.5, None, None),
    "watch-sample-warm": Limit(0.5, 0.3, None),
    # Of the 60 seconds of a minute: 5 % of one core, hoped 3 %.
    "watch-idle": Limit(3.0, 1.8, None),
    "watch-probes": Limit(3.0, 1.0, None),
    "watch-batch": Limit(0.020, None, None),
    "watch-chart": Limit(0.100, None, None),
    "watch-forecast": Limit(1.0, None, None),
}
LIMITS = {**REAL, **ARCHIVE, **WATCH}
WORKS = (*TARGETS, *LIMITS)
GROUPS = {  # names that stand for several works
    "real": tuple(REAL),
    "archive": tuple(ARCHIVE),
    "watch": tuple(WATCH),
}
# These are upper limits: ours divided by the other's.
TAR_LIMIT = Target(1.6, 1.2)
SIZE_LIMIT = Target(1.00, 0.98)
MEMORY_LIMIT = Target(2.0, 1.2)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All rounds of one work.

    Attributes:
        work: Its name, e.g. "first-a".
        data: What it worked on, in words.
        when: ISO date and time, UTC, at the end of the last round.
        rounds: Measurements by peer, in the order of the rounds; the n-th of one peer ran right
            beside the n-th of another.
        sizes: Bytes of the repository after the last round by peer; may be empty.
        load: Load average over one minute just before the first round.
        sent: Bytes sent over the line by peer, in the order of the rounds; empty where nobody
            counted.
    """

    work: str
    data: str
    when: str
    rounds: Mapping[str, Sequence[Measurement]]
    sizes: Mapping[str, int]
    load: float
    sent: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def seconds(self, peer: str) -> float | None:
        """Return the median wall time of a peer, None if it took no part."""
        runs = self.rounds.get(peer)
        return median(run.seconds for run in runs) if runs else None

    def cpu_seconds(self, peer: str) -> float | None:
        """Return the median CPU time of a peer, None if it took no part."""
        runs = self.rounds.get(peer)
        return median(run.cpu_seconds for run in runs) if runs else None

    def peak_bytes(self, peer: str) -> int | None:
        """Return the largest peak memory of a peer over all rounds, None if it took no part."""
        runs = self.rounds.get(peer)
        return max(run.peak_bytes for run in runs) if runs else None

    def speed_ratio(self, peer: str) -> float | None:
        """Return how many times faster ours is than `peer`: the median of the rounds' ratios."""
        ours, theirs = self.rounds.get("ours"), self.rounds.get(peer)
        if not ours or not theirs:
            return None
        return median(
            other.seconds / mine.seconds for mine, other in zip(ours, theirs, strict=True)
        )

    def size_ratio(self, peer: str) -> float | None:
        """Return our repository's size divided by the peer's."""
        if "ours" not in self.sizes or not self.sizes.get(peer):
            return None
        return self.sizes["ours"] / self.sizes[peer]

    def memory_ratio(self, peer: str) -> float | None:
        """Return our peak memory divided by the peer's."""
        ours, theirs = self.peak_bytes("ours"), self.peak_bytes(peer)
        return ours / theirs if ours and theirs else None

    def cost(self, limit: Limit) -> float | None:
        """Return what `limit` is about: the median of the rounds' ratios, or of our seconds."""
        if limit.against is None:
            return self.seconds("ours")
        if limit.of == "bytes":
            ours, theirs = self.sent.get("ours"), self.sent.get(limit.against)
            if not ours or not theirs:
                return None
            return median(mine / other for mine, other in zip(ours, theirs, strict=True))
        faster = self.speed_ratio(limit.against)
        return None if faster is None else 1 / faster


def judge_speed(ratio: float, target: Target) -> str:
    """Say whether "how many times faster" reaches its target: hoped, met or missed."""
    if ratio >= target.hoped:
        return "hoped"
    return "met" if ratio >= target.at_least else "missed"


def judge_limit(ratio: float, limit: Target) -> str:
    """Say whether ours divided by theirs stays below its limit: hoped, met or missed."""
    if ratio <= limit.hoped:
        return "hoped"
    return "met" if ratio <= limit.at_least else "missed"


def judge_cost(cost: float, limit: Limit) -> str:
    """Say whether a cost stays below its limit: hoped, met or missed."""
    if limit.hoped is not None and cost <= limit.hoped:
        return "hoped"
    return "met" if cost <= limit.at_most else "missed"


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as JSON takes it."""
    rounds = {peer: [asdict(run) for run in runs] for peer, runs in outcome.rounds.items()}
    return {
        "work": outcome.work,
        "data": outcome.data,
        "when": outcome.when,
        "rounds": rounds,
        "sizes": dict(outcome.sizes),
        "load": outcome.load,
        "sent": {peer: list(sizes) for peer, sizes in outcome.sent.items()},
    }


def outcome_from_json(data: Mapping[str, Any]) -> Outcome:
    """Return the outcome that `outcome_to_json` wrote."""
    rounds = {
        peer: tuple(Measurement(**run) for run in runs) for peer, runs in data["rounds"].items()
    }
    return Outcome(
        work=data["work"],
        data=data["data"],
        when=data["when"],
        rounds=rounds,
        sizes=data["sizes"],
        load=data["load"],
        sent={peer: tuple(sizes) for peer, sizes in data.get("sent", {}).items()},
    )
