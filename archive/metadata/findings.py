"""What tools find in contents: shared by the order of ingest and by whoever runs the tools."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Content = bytes | Path
INFECTED = "infected"
"""Verdict on a file in which malware was found."""


@dataclass(frozen=True, slots=True)
class Format:
    """What a file is.

    Attributes:
        puid: PRONOM id; empty if unknown.
        name: In words.
        media_type: As PRONOM has it.
        warning: What the tool doubts.
    """

    puid: str
    name: str = ""
    media_type: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Malware:
    """What a scanner says of one file.

    Attributes:
        verdict: `clean`, `infected` (`INFECTED`), or `not run`.
        note: The signature's name, or why it was not run.
    """

    verdict: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Validity:
    """Whether a file is what its format asks for.

    Attributes:
        verdict: `passed`, `warning`, or `not run`.
        note: What is wrong, or why it was not run.
        tool: What looked.
    """

    verdict: Literal["passed", "warning", "not run"]
    note: str = ""
    tool: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What tools found in the contents of many items at once, by SHA-512.

    Attributes:
        malware: Verdicts; None: not run.
        malware_basis: Scanner, version and date of its signatures; or why it was not run.
        formats: What each content is; None: not run.
        formats_basis: Tool, version and signatures; or why it was not run.
        validity: Of contents that can be validated, by each tool that looked; None: not run.
    """

    malware: Mapping[str, Malware] | None = None
    malware_basis: str = "no scanner"
    formats: Mapping[str, Format] | None = None
    formats_basis: str = "no tool"
    validity: Mapping[str, tuple[Validity, ...]] | None = None
