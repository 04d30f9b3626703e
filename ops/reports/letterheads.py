"""Who issues a paper, to whom, and who signs it, as the estate says for the paper's day; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ops.estate.model.estate import Estate
from ops.estate.model.organisation import EVERY_KIND, PaperHead, title_on
from ops.reports.kinds.table import LETTER, Kind
from ops.reports.papers.paper import Letterhead, Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What stands around the text of a paper.

    Attributes:
        letterhead: Who issues it, with number and date.
        addressees, recipients: As the estate has them; may be empty.
        signature: Who signs.
        abbreviation: Short name of who issues it; may be empty.
    """

    letterhead: Letterhead
    addressees: tuple[str, ...]
    recipients: tuple[str, ...]
    signature: Signature
    abbreviation: str = ""


def find_office(
    estate: Estate, kind: Kind, day: date, *, number: int = 0, is_draft: bool = True
) -> Office:
    """Give what stands around a paper of a kind on a day.

    What the body above issues has only letterheads of its own kind; those for all are ours.

    Args:
        estate: Its letterheads, and its names by date where a letterhead leaves them out.
        kind: Of the paper.
        day: The paper's; names are those that were valid on it.
        number: 0 leaves it blank.
        is_draft: Leaves day and month blank.
    """
    names = (kind.name,) if kind.is_above else (kind.name, EVERY_KIND)
    heads = estate.reports.letterheads
    rows = [it for name in names if (it := _valid(heads, name, day)) is not None]

    def pick(name: str, default: str = "") -> str:
        return next((value for it in rows if (value := getattr(it, name))), default)

    def pick_lines(name: str) -> tuple[str, ...]:
        return next((value for it in rows if (value := getattr(it, name))), ())

    organisation = estate.organisation
    named = title_on(organisation.names, day)
    parent = (named.parent if named is not None else "") or organisation.authority
    ours = (parent, organisation.name_on(day), "Thủ trưởng đơn vị")
    authority, body, post = ("", parent, "") if kind.is_above else ours
    short = pick("abbreviation")
    signs = [it for it in (kind.sign, short) if kind.sign and it not in {"", LETTER}]
    return Office(
        letterhead=Letterhead(
            authority=pick("authority", authority),
            body=pick("body", body),
            place=pick("place", organisation.place),
            year=day.year,
            number=number,
            sign="-".join(signs),
            day=None if is_draft else day,
        ),
        addressees=pick_lines("addressees"),
        recipients=pick_lines("recipients"),
        signature=Signature(
            post=pick("post", post), name=pick("signer"), authority=pick_lines("signs_for")
        ),
        abbreviation=short,
    )


def _valid(rows: Iterable[PaperHead], kind: str, day: date) -> PaperHead | None:
    valid = [it for it in rows if it.kind == kind and it.since <= day]
    return max(valid, key=lambda it: it.since, default=None)
