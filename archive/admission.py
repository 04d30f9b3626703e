"""What of an item may be kept: malware and programs are found, left out and named.

Pure: what tools find is handed in. A step that did not run is an event that says so.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from archive.errors import ItemRefusedError
from archive.metadata.events import Event, EventType, Result
from archive.metadata.findings import INFECTED, Findings, Format, Malware
from archive.metadata.item import Item, Part, RefusedPart
from archive.metadata.policy import differs, doubt_of, refusals
from archive.ocfl.files import Digests


class Steps:
    """The events of one ingest, in order."""

    def __init__(self, agent: str, now: datetime) -> None:
        self.agent, self.now = agent, now
        self.events: list[Event] = []

    def add(
        self, kind: EventType, result: Result, note: str = "", parts: Iterable[str] = (),
        agent: str = "",
    ) -> None:  # fmt: skip
        """Add one; whoever prepares the item did it, unless another agent is named."""
        self.events.append(
            Event(
                type=kind, result=result, at=self.now, agent=agent or self.agent, note=note,
                parts=tuple(parts),
            )
        )  # fmt: skip


def look_for_malware(
    marks: Mapping[str, str], given: Mapping[str, Malware], findings: Findings, steps: Steps
) -> tuple[dict[str, str], dict[str, str]]:
    """Give what is said of each file that is kept, and why others are not.

    Args:
        marks: Path → SHA-512.
        given: Path → what was found before it was handed in; such a file is kept all the same.
        findings: What the tools of this ingest found.
        steps: Takes the events.
    """
    basis = findings.malware_basis
    if findings.malware is None and not given:
        steps.add("virus check", "not run", basis)
        return {}, {}
    known, unknown = findings.malware or {}, Malware("not run", "no answer")
    verdicts = {path: given.get(path) or known.get(mark, unknown) for path, mark in marks.items()}
    infected = {path: it.note for path, it in sorted(verdicts.items()) if it.verdict == INFECTED}
    refused = {path: f"malware was found: {path}: {note}"
               for path, note in infected.items() if path not in given}  # fmt: skip
    if refused:
        steps.add("virus check", "failed", "; ".join(refused.values()), refused, basis)
    clean = [path for path, it in verdicts.items() if it.verdict == "clean"]
    if clean:
        steps.add("virus check", "passed", parts=clean, agent=basis)
    for path, it in verdicts.items():
        if it.verdict != "clean" and path not in refused:
            result: Result = "failed" if path in infected else "not run"
            steps.add("virus check", result, it.note, [path], basis)
    told = {path: f"{INFECTED}: {note}" for path, note in infected.items() if path in given}
    return dict.fromkeys(clean, f"clean · {basis}") | told, refused


def without(
    item: Item, marks: Mapping[str, str], digests: Mapping[str, Digests],
    refused: Mapping[str, str], *, is_whole: bool,
) -> tuple[Item, dict[str, str]]:  # fmt: skip
    """Give the item and its marks without the files that may not be kept; these are named in it.

    Raises:
        ItemRefusedError: It is taken whole or not at all, or nothing of it is left.
    """
    if not refused:
        return item, dict(marks)
    if is_whole or len(refused) == len(marks):
        raise refused_item(item, "; ".join(refused.values()))
    left_out = tuple(
        RefusedPart(part=finished(part, digests[part.path]), place=place, why=refused[part.path])
        for place, part in enumerate(item.parts)
        if part.path in refused
    )
    parts = tuple(it for it in item.parts if it.path not in refused)
    kept = {path: mark for path, mark in marks.items() if path not in refused}
    return msgspec.structs.replace(item, parts=parts, refused=left_out), kept


def identify(
    item: Item, marks: Mapping[str, str], findings: Findings, steps: Steps
) -> dict[str, Format]:
    """Give the formats that are known, by path."""
    if findings.formats is None:
        steps.add("format identification", "not run", findings.formats_basis)
        return {}
    found = {path: findings.formats.get(mark, Format("")) for path, mark in marks.items()}
    doubts = [f"{path}: {it.warning or 'unknown'}" for path, it in found.items()
              if it.warning or not it.puid]  # fmt: skip
    doubts += [
        f"{part.path}: declared {part.media_type}, found {other}"
        for part in item.parts
        if (other := differs(part.media_type, found[part.path]))
    ]
    result: Result = "warning" if doubts else "passed"
    steps.add(
        "format identification", result, "; ".join(doubts), list(marks), findings.formats_basis
    )
    return {path: it for path, it in found.items() if it.puid}


def assign_policy(
    formats: Mapping[str, Format], findings: Findings, steps: Steps
) -> dict[str, str]:
    """Give why files may not be archived, by path."""
    if findings.formats is None:
        steps.add("policy assignment", "not run", "formats are not known")
        return {}
    refused = refusals(formats)
    if refused:
        steps.add("policy assignment", "failed", "; ".join(refused.values()), refused)
    doubts = [f"{path}: {why}" for path, it in formats.items() if (why := doubt_of(it))]
    if doubts or not refused:
        steps.add("policy assignment", "warning" if doubts else "passed", "; ".join(doubts))
    return refused


def finished(part: Part, known: Digests) -> Part:
    """Give a part with its size and digests."""
    return msgspec.structs.replace(part, size=known.size, sha512=known.sha512, sha256=known.sha256)


def refused_item(item: Item, why: str) -> ItemRefusedError:
    """Make the error of an item that is not kept."""
    return ItemRefusedError(
        "{key} of {site} was not archived",
        why="{reason}",
        data="nothing of it was written",
        next_step="`{program} archive.status` lists what was refused",
        key=item.source_key,
        site=item.site,
        reason=why,
    )
