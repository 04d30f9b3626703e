"""What stands around the text of a paper: who issues it, to whom, who signs, by the paper's day."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date

from ops.estate.model.estate import Estate
from ops.estate.model.organisation import EVERY_KIND, PaperHead
from ops.estate.model.roles import Roles, is_committee, post_of
from ops.reports.kinds.table import LETTER, Kind
from ops.reports.papers.paper import Letterhead, Signature

UNFILLED = ".........."
"""What stands on a paper where nobody has said it: people fill it in by hand."""

NO_SHORT_NAME = "....."
"""Likewise in a paper's number, for the short name of who issues it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What stands around the text of a paper.

    Attributes:
        letterhead: Who issues it, with number and date.
        addressees, recipients: As the estate has them; may be empty.
        signature: Who signs.
        abbreviation: Short name of who issues it; may be empty.
        names: The bodies of the day for the texts, as `Roles` names them; dots for those that
            nobody knows.
    """

    letterhead: Letterhead
    addressees: tuple[str, ...]
    recipients: tuple[str, ...]
    signature: Signature
    abbreviation: str = ""
    names: Mapping[str, str | tuple[str, ...]]


def find_office(
    estate: Estate, kind: Kind, day: date, *, number: int = 0, is_draft: bool = True, unit: str = ""
) -> Office:
    """Give what stands around a paper of a kind on a day.

    What another body issues has only letterheads of its own kind, and a unit's papers only the
    unit's; those for all are ours.

    Args:
        estate: Its letterheads and roles, and its names by date where a letterhead says nothing.
        kind: Of the paper.
        day: The paper's; names are those that were valid on it.
        number: 0 leaves it blank.
        is_draft: Leaves day and month blank.
        unit: Name of the unit whose site the paper is about; empty where it is about none.
    """
    roles = estate.organisation.roles_on(day)
    body, above = _issuer(estate, kind, roles, unit, day)
    is_ours = body == roles.body
    of_unit = unit if kind.issuer == "unit" else ""
    names = (kind.name, EVERY_KIND) if is_ours or of_unit else (kind.name,)
    heads = [
        it for it in estate.reports.letterheads if (it.unit or "") == of_unit and it.since <= day
    ]
    rows = [it for name in names if (it := _newest(heads, name)) is not None]

    def pick(name: str, default: str = "") -> str:
        return next((value for it in rows if (value := getattr(it, name))), default)

    def pick_lines(name: str) -> tuple[str, ...]:
        return next((value for it in rows if (value := getattr(it, name))), ())

    post = roles.decides_post if kind.issuer == "decides" else "" if is_ours else post_of(body)
    short = pick("abbreviation")
    # A letter's number names only who issues it (Decree 30/2020, annex III).
    signs = [*([] if kind.sign == LETTER else [kind.sign]), short or NO_SHORT_NAME]
    place = UNFILLED if of_unit else estate.organisation.place
    return Office(
        letterhead=Letterhead(
            authority=pick("authority", above),
            body=pick("body", body or UNFILLED),
            place=pick("place", place),
            year=day.year,
            number=number,
            sign="-".join(signs) if kind.sign else "",
            day=None if is_draft else day,
            drawn_on=day,
        ),
        addressees=pick_lines("addressees"),
        recipients=pick_lines("recipients"),
        signature=Signature(
            post=pick("post", post or "Thủ trưởng đơn vị"),
            name=pick("signer"),
            authority=pick_lines("signs_for"),
        ),
        abbreviation=short,
        names=_name_all(roles),
    )


def _issuer(estate: Estate, kind: Kind, roles: Roles, unit: str, day: date) -> tuple[str, str]:
    """Give who issues a paper, and the body above; above a Committee none stands."""
    if kind.issuer != "unit":
        body: str = getattr(roles, kind.issuer)
        return body, roles.above(body)
    found = next((it for it in estate.units if it.name == unit), None)
    if found is None:
        return "", ""
    body = found.title_on(day)
    above = found.parent_on(day) or roles.above(body)
    return body, "" if is_committee(body) else above


def _newest(rows: Iterable[PaperHead], kind: str) -> PaperHead | None:
    return max((it for it in rows if it.kind == kind), key=lambda it: it.since, default=None)


def _name_all(roles: Roles) -> dict[str, str | tuple[str, ...]]:
    """Give the bodies for the texts; that nobody is asked for an opinion leaves no dots."""
    told: dict[str, str | tuple[str, ...]] = asdict(roles)
    dots = {name: UNFILLED for name, it in told.items() if it == ""}
    return {**told, **dots, "reports_to": roles.reports_to or (UNFILLED,)}


def name_issuer(office: Office) -> str:
    """Give the line of who decides above the bases of a decision (NĐ 30/2020, form 1.2).

    It is the post that the decision belongs to, also where its deputy signs (KT.); where the body
    as a whole decides, signed for by TM., it is the body.
    """
    body, signature = office.letterhead.body, office.signature
    if any(it.upper().startswith("TM.") for it in signature.authority):
        return body
    deputy = any(it.upper().startswith("KT.") for it in signature.authority)
    known = str(office.names["decides_post"])
    return f"{signature.post if known == UNFILLED and not deputy else known} {body}"
