"""One thing that is not as it should be, as the judge gives it: no words yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ops.alerts.drafts import Severity
from ops.alerts.overview import AlertView

Level = Literal["red", "yellow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that is not as it should be.

    Attributes:
        subject: What alerts about it call it; empty where there are none.
        severity: How grave it is as an alert.
        code: What its sentences are made from.
        params: JSON values for the sentences.
        site: Which site; empty for the whole, and where it concerns several.
        alike: Names of the sites, where what concerns several alike is told once.
        occasion: What tells this time from another one of the same subject.
        is_red_by_day: Whether it is red although nobody is woken for it: no data is at risk.
        alert: The alert that alone tells of it.
    """

    subject: str = ""
    severity: Severity
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    site: str = ""
    alike: tuple[str, ...] = ()
    occasion: str = ""
    is_red_by_day: bool = False
    alert: AlertView | None = None

    @property
    def level(self) -> Level:
        """`red` needs somebody now; `yellow` can wait for the day."""
        return "red" if self.severity == "critical" or self.is_red_by_day else "yellow"

    def concerns(self, site: str) -> bool:
        """Say whether it is about that site, alone or with others."""
        return site == self.site or site in self.alike
