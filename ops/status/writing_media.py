"""Write which removable media there are, who keeps them, and by when they are to be renewed."""

from collections.abc import Sequence

from ops.present import (
    Cell,
    Tone,
    format_date,
    format_moment,
    outcome_cell,
    write_line,
    write_table,
)
from ops.status.facts import Facts
from ops.status.media import MediumFacts
from ops.text import _

_TONES: dict[str, Tone] = {"": "plain", "near": "warning", "over": "bad"}


def write_media(facts: Facts) -> None:
    """Write a row for each medium; nothing where there are none."""
    if not facts.media:
        return
    heads = [
        _("Medium"), _("Kind"), _("Kept at"), _("Holder"), _("In use since"), _("Renew by"),
        _("Read back"),
    ]  # fmt: skip
    write_line()
    write_table(heads, [_row(it, facts.zone) for it in facts.media], title=_("Removable media"))


def _row(medium: MediumFacts, zone: str) -> Sequence[str | Cell]:
    renew = format_date(medium.renew_on) if medium.renew_on else "–"
    return (
        medium.code,
        medium.kind,
        medium.kept_at or "–",
        medium.holder or "–",
        format_date(medium.started_on),
        Cell(renew, _TONES[medium.stage]),
        _read_back(medium, zone),
    )


def _read_back(medium: MediumFacts, zone: str) -> Cell:
    if medium.verified_at is None:
        return outcome_cell("not_checked")
    cell = outcome_cell(medium.verified)
    told = format_moment(medium.verified_at, zone).rpartition(" ")[0]
    return Cell(f"{cell.text}, {told}", cell.tone)
