"""Say in words that a medium is to be renewed."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ops.alerts.notice_wording import STATE, NoticeKind
from ops.language.formats import format_date
from ops.language.text import N_, _, fill
from ops.outcomes.plain import Explanation

MEDIUM = "medium_renewal"
"""Code of the notice."""


def explain_renewal(code: str, renew_on: date, stage: str, basis: Sequence[str]) -> Explanation:
    """Say that a medium is to be replaced by a new one, in the current language.

    Args:
        code: The medium's.
        renew_on: By the end of which day.
        stage: `near` or `over`.
        basis: What asks for it.
    """
    told = (
        N_("the medium {code} should have been renewed by {day}")
        if stage == "over"
        else N_("the medium {code} is to be renewed by {day}")
    )
    return Explanation(
        fill(told, {"code": code, "day": format_date(renew_on)}),
        _("basis: {basis}").format(basis="; ".join(basis)) if basis else "",
        _("what lies on it is still there; old media fail without warning"),
        fill(N_("fill a new one: `{program} backup.export-media --to FOLDER --code NEWCODE`"), {}),
    )


def word_medium(params: Mapping[str, Any]) -> tuple[str, Explanation]:
    """Give headline and explanation of the notice, in the current language.

    Args:
        params: As `ops.backups.media.remind` wrote them.
    """
    day = date.fromisoformat(params["renew_on"])
    found = explain_renewal(params["code"], day, params["stage"], params["basis"])
    kept = _("it is kept at: {place}; by: {holder}").format(
        place=params["kept_at"] or "–", holder=params["holder"] or "–"
    )
    return found.what, Explanation(kept, found.why, found.data, found.next_step)


NOTICE_KINDS = {
    MEDIUM: NoticeKind(lambda told, _zone: word_medium(told.params), about_sites=False, label=STATE)
}
