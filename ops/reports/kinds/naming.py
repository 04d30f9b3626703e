"""What things are called on paper: by their titles, never by the names that machines know; pure."""

from ops.duties.wording import tell_medium
from ops.monitor.forecast import Outlook
from ops.monitor.samples.sample import THIS_MACHINE
from ops.reports.figures.gather import YearFacts
from ops.reports.kinds.kind import UNKNOWN, Frame


def name_site(facts: YearFacts, frame: Frame, name: str) -> str:
    """Call a site; one that the estate no longer names has no title."""
    return facts.titles.get(name) or frame.texts.say("gone_site")


def name_unit(facts: YearFacts, name: str) -> str:
    """Call a unit."""
    return facts.titles.get(name) or UNKNOWN


def name_store(facts: YearFacts, frame: Frame, name: str) -> str:
    """Call a store by what it is among the others; one that is gone from the estate likewise."""
    store = facts.stores.get(name)
    return frame.texts.say(store.role if store else "gone", table="stores")


def place_store(facts: YearFacts, name: str) -> str:
    """Say where a store stands, and on what."""
    store = facts.stores.get(name)
    return f"{store.location} ({tell_medium(store.medium)})" if store else UNKNOWN


def name_place(facts: YearFacts, frame: Frame, name: str) -> str:
    """Call a place of the archive."""
    known = frame.texts.tables["places"]
    return known.get(name) or frame.texts.say(
        "copy", table="places", where=facts.places.get(name, UNKNOWN)
    )


def name_outlook(facts: YearFacts, frame: Frame, outlook: Outlook) -> str:
    """Call what fills or ends."""
    kind, _colon, name = outlook.subject.partition(":")
    if kind == "site":
        whose = name_site(facts, frame, name)
    elif kind == "store":
        whose = f"{name_store(facts, frame, name)}, {place_store(facts, name)}"
    else:
        here = "this_machine" if name == THIS_MACHINE else "machine"
        whose = facts.machines.get(name) or frame.texts.say(here, name=name)
    return frame.texts.say(outlook.kind, table="filling", whose=whose, of=outlook.of)
