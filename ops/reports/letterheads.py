"""Who issues a paper, to whom, and who signs it, as the estate says for the paper's day; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ops.estate.model.estate import Estate
from ops.estate.model.organisation import title_on
from ops.estate.model.reports import EVERY_KIND, PaperHead
from ops.reports.papers.paper import Letterhead, Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What stands around the text of a paper.

    Attributes:
        letterhead: Who issues it, with number and date.
        addressees, recipients: As the estate has them; may be empty.
        signature: Who signs.
    """

    letterhead: Letterhead
    addressees: tuple[str, ...]
    recipients: tuple[str, ...]
    signature: Signature


def find_office(
    estate: Estate, kind: str, day: date, *, sign: str = "", number: int = 0, is_draft: bool = True
) -> Office:
    """Give what stands around a paper of a kind on a day.

    Args:
        estate: Its letterheads, and its names by date where a letterhead leaves them out.
        kind: As `report.kinds` lists them.
        day: The paper's; names are those that were valid on it.
        sign: Abbreviation of the kind of paper, such as `BC`; empty for papers without a number.
        number: 0 leaves it blank.
        is_draft: Leaves day and month blank.
    """
    rows = [
        it for it in (_valid(estate.reports.letterheads, name, day) for name in (kind, EVERY_KIND))
        if it is not None
    ]  # fmt: skip

    def pick(name: str, default: str = "") -> str:
        return next((value for it in rows if (value := getattr(it, name))), default)

    def pick_lines(name: str) -> tuple[str, ...]:
        return next((value for it in rows if (value := getattr(it, name))), ())

    organisation = estate.organisation
    named = title_on(organisation.names, day)
    parent = named.parent if named is not None else ""
    short = pick("abbreviation")
    return Office(
        letterhead=Letterhead(
            authority=pick("authority", parent or organisation.authority),
            body=pick("body", organisation.name_on(day)),
            place=pick("place", organisation.place),
            year=day.year,
            number=number,
            sign="-".join(filter(None, (sign, short))) if sign else "",
            day=None if is_draft else day,
        ),
        addressees=pick_lines("addressees"),
        recipients=pick_lines("recipients"),
        signature=Signature(
            post=pick("post", "Thủ trưởng đơn vị"),
            name=pick("signer"),
            authority=pick_lines("signs_for"),
        ),
    )


def _valid(rows: Iterable[PaperHead], kind: str, day: date) -> PaperHead | None:
    valid = [it for it in rows if it.kind == kind and it.since <= day]
    return max(valid, key=lambda it: it.since, default=None)
