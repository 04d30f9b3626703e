"""Thông báo tạm ngừng: the notice of a planned stop (NĐ 224/2026 Điều 13(1)a; law.md 2.9)."""

from dataclasses import dataclass

from ops.duties.call_off import PlannedStop, find_stops
from ops.duties.plan_stop import contact_of
from ops.errors import WrongUseError
from ops.language.formats import format_spoken
from ops.planning.item import BASIS
from ops.reports.figures.gather import SiteName, name_site
from ops.reports.kinds.kind import Ask, Frame
from ops.reports.papers.paper import Block, Paper


@dataclass(frozen=True, slots=True, kw_only=True)
class StopFacts:
    """One stop, its site, and whom to ask."""

    stop: PlannedStop
    site: SiteName
    contact: str


def gather_notice(ask: Ask) -> StopFacts:
    """Read the stop of that code, else the next one."""
    stops = [
        it for it in find_stops(ask.session, ask.window.zone) if not ask.site or it.site == ask.site
    ]
    if ask.of:
        found = [it for it in stops if it.code == ask.of]
    else:
        found = sorted((it for it in stops if it.until > ask.now), key=lambda it: it.begins)
    if not found:
        raise WrongUseError(
            "no such stop is planned",
            why="planned are: {known}",
            next_step="plan it: `{program} duty.planned-stop --help`",
            known=", ".join(it.code for it in stops) or "–",
        )
    site = name_site(ask.estate, found[0].site, ask.window)
    owner = ask.estate.site(found[0].site).owner or ""
    return StopFacts(stop=found[0], site=site, contact=contact_of(ask.estate, owner))


def write_notice(facts: StopFacts, frame: Frame) -> Paper:
    """Write the notice."""
    stop, site, texts = facts.stop, facts.site, frame.texts
    begins, until = (format_spoken(it, frame.zone) for it in (stop.begins, stop.until))
    address = f" ({site.url})" if site.url else ""
    force = str(stop.details.get("force_majeure") or "")
    basis = texts.say("with_basis", **frame.known) if frame.citations.cites(BASIS) else ""
    unfilled = texts.say("to_fill")
    blocks: list[Block] = [
        frame.text(
            "opening", basis=basis, body=frame.office.letterhead.body, title=site.dated_title
        ),
        frame.text("reason", reason=str(stop.details.get("reason") or unfilled)),
        frame.text("scope", title=site.dated_title, address=address),
        frame.text("time", begins=begins, until=until),
        frame.text("back", until=until),
        frame.text("instead", instead=str(stop.details.get("instead") or unfilled)),
        frame.text("contact", contact=facts.contact),
        *([frame.text("force", why=force)] if force else []),
        frame.text("closing"),
    ]
    return frame.paper(blocks, title=site.dated_title)
