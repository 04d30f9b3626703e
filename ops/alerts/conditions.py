"""What a look at hosts, sites, copies and duties found: the one shape the watch is fed with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from ops.alerts.drafts import Severity

State = Literal["good", "bad", "no_data", "not_checked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that can be red, as one look found it.

    Attributes:
        subject: What it is about, unique in a look: `host:web1`, `host:web1/disk:/var`.
        state: `no_data` where the look should have seen it and did not; `not_checked` where it may
            not or cannot be seen, which is never told as good.
        severity: How grave it is while it is bad.
        code: What its sentences are made from.
        params: JSON values for those sentences; text in them was sanitised and bounded.
        parent: Subject of what it stands on, such as the host of a disk; empty for none. While a
            parent is bad its children are not told.
        holds_for: How long it is bad before anybody is told.
        site: The site it concerns; empty for none or several.
    """

    subject: str
    state: State
    severity: Severity = "warning"
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    parent: str = ""
    holds_for: timedelta = timedelta()
    site: str = ""
