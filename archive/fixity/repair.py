"""Repair from a copy that proved itself: planned by a pure function, applied object by object.

An object is taken whole from a copy where every byte of it is what its inventory says, which is
read before and held against again when it is in its place. The damaged one is set aside until then.
When much is damaged at once, nothing is repaired until a person says so: what damages many objects
in one night is a program, ours or somebody's, and repair would help it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from archive.errors import ArchiveError, ObjectDamagedError
from archive.ocfl.copies import stage_next, verify_stage
from archive.ocfl.files import make_durable, told_of_storage
from archive.ocfl.root import StorageRoot, read_object
from archive.ocfl.staging import STAGING
from archive.ocfl.validate import Verdict, validate_object
from archive.ocfl.write import Batch, writing

Verdicts = Mapping[str, Mapping[str, Verdict | None]]
"""Path of an object → name of a copy → its verdict there; None: it is not there."""

MOST_OBJECTS = 20
MOST_SHARE = 0.01
_ALWAYS_ALLOWED = 3  # of a small archive, where one object is more than the share


@dataclass(frozen=True, slots=True)
class Repair:
    """One object to be taken over.

    Attributes:
        path: Of the object below the roots.
        target: The copy where it is damaged or missing.
        source: The copy that it is taken from.
        inventory: SHA-512 of the root inventory there.
        is_missing: Whether there is nothing to set aside.
        codes: What is wrong at the target.
    """

    path: str
    target: str
    source: str
    inventory: str
    is_missing: bool
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hopeless:
    """An object that a person must look at.

    Attributes:
        path: Of the object below the roots.
        reason: `none`: no copy of it is whole. `differ`: whole copies disagree. `newer`: the
            damaged one has versions that no whole copy has.
        copies: Where it is damaged or missing.
    """

    path: str
    reason: str
    copies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """What a repair would do.

    Attributes:
        repairs: In order of path.
        hopeless: What it cannot do.
        damaged: How many objects are damaged or missing, by copy.
        stopped: Copies where so many are that a person must confirm.
    """

    repairs: tuple[Repair, ...]
    hopeless: tuple[Hopeless, ...]
    damaged: Mapping[str, int]
    stopped: tuple[str, ...]


def look_everywhere(roots: Mapping[str, StorageRoot], paths: Iterable[str]) -> Verdicts:
    """Read objects in every copy, from the disks; for those that a scrub found damaged.

    Raises:
        ArchiveError: One may not be read by this process.
    """
    return {
        path: {name: _verdict_of(root.path / path) for name, root in roots.items()}
        for path in paths
    }


def plan_repair(
    verdicts: Verdicts,
    totals: Mapping[str, int],
    *,
    logged: Mapping[str, str] | None = None,
    confirmed: bool = False,
) -> RepairPlan:
    """Decide which object is taken from where; pure.

    Args:
        verdicts: Of the objects in question, in every copy.
        totals: How many objects each copy has.
        logged: Path → SHA-512 of the inventory that the journal says is the newest: it decides
            which copy is right, so that one alone can prove itself.
        confirmed: Whether a person said that so much damage may be repaired.
    """
    repairs, hopeless = [], []
    damaged = dict.fromkeys(totals, 0)
    for path in sorted(verdicts):
        bad = [name for name, it in verdicts[path].items() if it is None or not it.is_valid]
        for name in bad:
            damaged[name] = damaged.get(name, 0) + 1
        if not bad:
            continue
        best, reason = _choose(verdicts[path], (logged or {}).get(path, ""))
        if best is None:
            hopeless.append(Hopeless(path, reason, tuple(bad)))
            continue
        source, verdict = best
        for name in bad:
            was = verdicts[path][name]
            if was and was.newest > verdict.newest:
                hopeless.append(Hopeless(path, "newer", (name,)))
                continue
            codes = tuple(sorted({it.code for it in was.errors})) if was else ()
            repairs.append(Repair(path, name, source, verdict.inventory, was is None, codes))
    stopped = [name for name, count in damaged.items() if count > most_allowed(totals.get(name, 0))]
    return RepairPlan(
        tuple(repairs), tuple(hopeless), damaged, () if confirmed else tuple(sorted(stopped))
    )


def most_allowed(objects: int) -> int:
    """Give how many damaged objects of a copy are repaired without a person."""
    return max(_ALWAYS_ALLOWED, min(MOST_OBJECTS, int(objects * MOST_SHARE)))


def apply_repair(
    plan: RepairPlan, roots: Mapping[str, StorageRoot], now: datetime
) -> Iterator[dict[str, Any]]:
    """Take objects over one by one; gives an event for each as soon as it is durable.

    An event has type `replacement`, object (its path), copy, source, version, inventory, codes,
    moment, outcome and detail. Outcomes: `success`; `whole`: the object was whole again when it was
    looked at, as after a write that was finished; `failure`.

    Raises:
        ArchiveError: So much is damaged that a person must confirm; nothing is changed. Or a copy
            cannot be written to.
    """
    if plan.stopped:
        raise ArchiveError(
            "nothing is repaired: {counts} objects are damaged or missing at once",
            why="so much damage in one run is rarely a disk; repairing might spread it",
            data="nothing was changed; whole copies stay as they are",
            next_step="find the cause first; then `{program} archive.repair --confirm`",
            counts=", ".join(f"{name}: {plan.damaged[name]}" for name in plan.stopped),
        )
    for target in sorted({it.target for it in plan.repairs}):
        with writing(roots[target]) as batch:
            for repair in plan.repairs:
                if repair.target == target:
                    outcome, detail, version = _repair(repair, roots, batch)
                    yield {
                        "type": "replacement",
                        "object": repair.path,
                        "copy": target,
                        "source": repair.source,
                        "version": version,
                        "inventory": repair.inventory,
                        "codes": list(repair.codes),
                        "moment": now.isoformat(),
                        "outcome": outcome,
                        "detail": detail,
                    }


class _NotRepairedError(Exception):
    """An object could not be taken over; what is there stays."""


def _repair(repair: Repair, roots: Mapping[str, StorageRoot], batch: Batch) -> tuple[str, str, str]:
    """Take one object over; gives outcome, detail and version."""
    try:
        return _make_whole(repair, roots, batch)
    except _NotRepairedError as error:
        return "failure", str(error), ""
    except ObjectDamagedError as error:
        return "failure", error.why.format(**error.params), ""


def _make_whole(
    repair: Repair, roots: Mapping[str, StorageRoot], batch: Batch
) -> tuple[str, str, str]:
    target = roots[repair.target].path / repair.path
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise _NotRepairedError(f"{repair.target} has something else there; move it away")
    was = _verdict_of(target)
    if was and was.is_valid:
        return "whole", "", was.head
    _take_over(repair, roots, batch, replaces=was is not None)
    after = _verdict_of(target)
    if not after or not after.is_valid or after.inventory != repair.inventory:
        raise _NotRepairedError(f"{repair.target} gives back other bytes")
    return "success", "", after.head


def _take_over(
    repair: Repair, roots: Mapping[str, StorageRoot], batch: Batch, *, replaces: bool
) -> None:
    """Put the whole object of the source in the place of the damaged one."""
    source, root = roots[repair.source].path / repair.path, roots[repair.target].path
    proof = _verdict_of(source)
    if not proof or not proof.is_valid or proof.inventory != repair.inventory:
        raise _NotRepairedError(f"{repair.source} is not what it was when this was planned")
    stored = read_object(source)
    stage = stage_next(batch, stored, root / repair.path, replaces=replaces)
    with told_of_storage(root):
        make_durable(root / STAGING)
    if wrong := verify_stage(stage, stored):
        batch.drop(stage)
        raise _NotRepairedError(f"{repair.target} gives back other bytes: {wrong}")
    batch.commit()


def _choose(
    verdicts: Mapping[str, Verdict | None], logged: str
) -> tuple[tuple[str, Verdict] | None, str]:
    """Give the copy that is taken from, or why there is none."""
    whole = [(name, it) for name, it in sorted(verdicts.items()) if it and it.is_valid]
    if logged:
        whole = [(name, it) for name, it in whole if it.inventory == logged]
    if not whole:
        return None, "none"
    newest = max(it.newest for _name, it in whole)
    best = [(name, it) for name, it in whole if it.newest == newest]
    if len({it.inventory for _name, it in best}) > 1:
        return None, "differ"
    return best[0], ""


def _verdict_of(folder: Path) -> Verdict | None:
    return validate_object(folder, from_disk=True) if folder.is_dir() else None
