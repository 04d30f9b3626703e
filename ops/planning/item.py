"""An item of the plan as values: its words, its money, how it stands in a plan; pure.

The groups are those of the Regulation's Điều 14(4), the uses those of its Điều 10(2) (đ is
security); clauses and forms are of NĐ 224/2026 Điều 34 and 65; an empty word is one that nobody has
said yet. What an item says is Vietnamese: it goes to the People's Committee.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, Literal

from ops.assets.asset import MOST_PRICE
from ops.errors import WrongUseError
from ops.language.text import N_

GROUPS: Mapping[str, str] = {
    "duy-tri": "Duy trì",
    "bao-duong": "Bảo dưỡng",
    "sua-chua": "Sửa chữa, thay thế",
    "nang-cap": "Nâng cấp kỹ thuật",
    "dau-tu": "Đầu tư phát triển",
}
USES: Mapping[str, str] = {
    "a": "hạ tầng, đường truyền",
    "b": "mở rộng, bản quyền",
    "c": "vận hành",
    "d": "thù lao",
    "đ": "an ninh mạng",
    "e": "chi khác",
    "": "chưa xác định",
}
PRIORITIES: Mapping[str, str] = {"bat-buoc": "bắt buộc", "can": "cần", "nen": "nên"}
"""From what must be to what should be; what falls first when money is short stands last."""

CLAUSES: Mapping[str, str] = {
    "34.4": "Khoản 4 Điều 34",
    "34.5": "Khoản 5 Điều 34",
    "34.6": "Khoản 6 Điều 34",
    "34": "Điều 34",
    "dau-tu": "Điều 66",
    "": "chưa xác định",
}
FORMS: Mapping[str, str] = {
    "65.1": "Không phải lập dự án (khoản 1 Điều 65)",
    "65.2": "Lập dự án (khoản 2 Điều 65, Điều 66)",
    "65.3": "Kế hoạch thuê (khoản 3 Điều 65, Điều 67)",
    "tu-lam": "Trung tâm tự thực hiện",
    "": "chưa xác định",
}
BASIS = "224/2026/NĐ-CP"
"""Number of the decree whose articles clauses and forms name: papers of days on which it does not
hold name none of them."""

MOST_MONEY = MOST_PRICE
MOST_QUANTITY = 100_000
SECURITY_USE = "đ"
QUOTATION = "quotation"
"""Kind of evidence: a document that holds the price."""

EVIDENCE: Mapping[str, str] = {
    "alert": N_("alert"),
    "asset": N_("asset"),
    "drill": N_("restore drill"),
    "drill-finding": N_("shown by a drill"),
    "duty": N_("duty"),
    "finding": N_("finding"),
    "forecast": N_("forecast"),
    "medium": N_("removable medium"),
    "plan": N_("plan"),
    QUOTATION: N_("quotation"),
    "register": N_("register"),
}
"""Kind of evidence → what it is called."""

NOTE_KINDS: Mapping[str, str] = {
    "opinion": N_("opinion"),
    "window": N_("planned work"),
    "work": N_("work done"),
    "money": N_("money"),
    "acceptance": N_("acceptance"),
}
"""Kind of note on the plan or an item → what it is called."""

Decision = Literal["", "granted", "cut", "deferred"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A row of the service that speaks for an item: its kind, its id, and what it says."""

    kind: str
    id: str
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What an item says.

    Attributes:
        group, use, priority, clause, form: Keys of the tables above.
        title, reason: What is done, and why.
        evidence: Rows behind the reason, and the quotation; may be empty where a person added it.
        asset, site: Names in the register with blanks between, and one in the estate; may be empty.
        causes: What asked for it where that is more than the line's key: equal work is one item.
        quarter: 1 to 4.
        unit, quantity: What is counted, and how many.
        unit_price: Đồng before VAT; None where nobody knows it, 0 where it costs nothing.
        price_basis: Quotation: number and day; where the price comes from.
        vat_percent: Of the price.
        source: Of the money.
        is_recurrent: Recurrent spending, or else investment; None where that has to be decided.
        risk: What may happen if it is not done.
        measure, measure_unit, base, goal, measured_by: The target: what, in which unit, from where
            to where, by which data.
        lead, support, product: Who leads, who helps, what is handed over; no lead is the body that
            makes the plan, by its name on the paper's day.
    """

    group: str
    title: str
    reason: str = ""
    evidence: tuple[Evidence, ...] = ()
    asset: str = ""
    site: str = ""
    quarter: int = 1
    unit: str = "lần"
    quantity: int = 1
    unit_price: int | None = None
    price_basis: str = ""
    vat_percent: int = 0
    source: str = ""
    use: str = "c"
    is_recurrent: bool | None = None
    clause: str = "34.4"
    form: str = "65.1"
    priority: str = "can"
    risk: str = ""
    measure: str = ""
    measure_unit: str = ""
    base: str = ""
    goal: str = ""
    measured_by: str = ""
    lead: str = ""
    support: str = ""
    product: str = ""
    causes: tuple[str, ...] = ()

    @property
    def unsaid(self) -> tuple[str, ...]:
        """Words that nobody has said yet, and that have to be decided."""
        return tuple(name for name in ("use", "clause", "form") if not getattr(self, name))

    @property
    def assets(self) -> tuple[str, ...]:
        """Names of the assets that it is about."""
        return tuple(self.asset.split())

    @property
    def before_tax(self) -> int:
        """Đồng without VAT; 0 where the price is not known."""
        return self.quantity * (self.unit_price or 0)

    @property
    def tax(self) -> int:
        """VAT in whole đồng, half a đồng rounded up."""
        return (self.before_tax * self.vat_percent + 50) // 100

    @property
    def asked(self) -> int:
        """Đồng with VAT; 0 where the price is not known."""
        return self.before_tax + self.tax

    @property
    def is_priced(self) -> bool:
        """Whether anybody knows what it costs."""
        return self.unit_price is not None

    def as_values(self) -> dict[str, Any]:
        """Give it as JSON values."""
        evidence = [asdict(it) for it in self.evidence]
        return {**asdict(self), "evidence": evidence, "causes": list(self.causes)}


def item_from(values: Mapping[str, Any]) -> Item:
    """Give the item that `as_values` gave; unknown names of other versions are passed over."""
    known = {it.name for it in fields(Item)}
    kept = {name: value for name, value in values.items() if name in known}
    kept["evidence"] = tuple(Evidence(**it) for it in values.get("evidence", ()))
    kept["causes"] = tuple(values.get("causes", ()))
    return Item(**kept)


def call_use(use: str) -> str:
    """Give what papers call a use of money: its letter and its words."""
    return f"{use}) {USES[use]}" if use else USES[use]


def read_cause(cause: str) -> tuple[str, str] | None:
    """Give name and work of a cause that is about an asset, such as `asset:mc-1:support`."""
    kind, _colon, rest = cause.partition(":")
    name, _colon, work = rest.rpartition(":")
    return (name, work) if kind == "asset" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLine:
    """An item as it stands in a plan; fields as in `ops.catalog.tables.plans.PlanItem`."""

    number: int
    item: Item
    key: str = ""
    is_edited: bool = False
    rejected_for: str = ""
    decision: Decision = ""
    granted: int = 0
    contracted: int = 0
    accepted: int = 0
    paid: int = 0
    accepted_on: date | None = None

    @property
    def causes(self) -> tuple[str, ...]:
        """What asked for it; none where a person added it."""
        return self.item.causes or ((self.key,) if self.key else ())

    @property
    def works(self) -> Mapping[str, str]:
        """What is done to each of its assets, `support` for a replacement; empty: nobody said."""
        said = dict(filter(None, map(read_cause, self.causes)))
        return {name: said.get(name, "") for name in self.item.assets}

    @property
    def asked(self) -> int:
        """Đồng that papers ask for: of work that was accepted when they were made, what it cost."""
        return self.accepted if self.accepted_on else self.item.asked

    @property
    def amount(self) -> int:
        """Đồng that papers count: what was granted once that is decided, else what is asked for."""
        return self.granted if self.decision else self.asked

    @property
    def tax(self) -> int:
        """VAT within the amount, in whole đồng, half a đồng rounded up."""
        if self.amount == self.item.asked:
            return self.item.tax
        whole = 100 + self.item.vat_percent
        return (self.amount * self.item.vat_percent * 2 + whole) // (2 * whole)

    @property
    def is_in(self) -> bool:
        """Whether it belongs to the plan."""
        return not self.rejected_for

    @property
    def is_alive(self) -> bool:
        """Whether it was decided to be done; one that was cut to nothing was not."""
        is_cut = self.decision == "cut" and self.granted > 0
        return self.is_in and (self.decision == "granted" or is_cut)

    @property
    def is_begun(self) -> bool:
        """Whether somebody is bound by it already: a contract, or work that was accepted."""
        return self.contracted > 0 or self.accepted_on is not None


@dataclass(frozen=True, slots=True)
class OwnWork:
    """What the Center owes and does itself, without money: what, why, and what asks for it."""

    title: str
    why: str
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Work that a plan before had accepted.

    Attributes:
        year, number: Of the plan and its line.
        on: The day of the acceptance.
        said: What its evidence said then, of that asset where it is about one; empty where a person
            added the line.
    """

    year: int
    number: int
    on: date
    said: str


@dataclass(frozen=True, slots=True)
class DraftChange:
    """One line that a draft adds, changes or takes away.

    Attributes:
        verb: `added`, `changed`, `withdrawn`, or `rejected`: proposed and not taken, as before.
        line: As it becomes; of a withdrawn one, as it was.
    """

    verb: str
    line: PlanLine


def line_values(line: PlanLine) -> dict[str, Any]:
    """Give a line as JSON values: item, money and standing in one mapping."""
    money = {name: getattr(line, name) for name in ("granted", "contracted", "accepted", "paid")}
    return {
        "number": line.number,
        "key": line.key,
        **line.item.as_values(),
        "asked": line.item.asked,
        "rejected_for": line.rejected_for,
        "decision": line.decision,
        **money,
        "accepted_on": line.accepted_on.isoformat() if line.accepted_on else None,
    }


def line_from(values: Mapping[str, Any]) -> PlanLine:
    """Give the line that `line_values` gave."""
    day = values.get("accepted_on")
    names = (
        "number",
        "key",
        "rejected_for",
        "decision",
        "granted",
        "contracted",
        "accepted",
        "paid",
    )
    return PlanLine(
        item=item_from(values),
        accepted_on=date.fromisoformat(day) if day else None,
        **{name: values[name] for name in names},
    )


CHOICES: Mapping[str, Mapping[str, str]] = {
    "group": GROUPS,
    "use": USES,
    "priority": PRIORITIES,
    "clause": CLAUSES,
    "form": FORMS,
}
"""Fields that take a word of a table → the words, with what they mean."""


def refuse(what: str, next_step: str, **params: Any) -> WrongUseError:
    """Give the error of what cannot be so; nothing was changed."""
    return WrongUseError(what, next_step=next_step, **params)
