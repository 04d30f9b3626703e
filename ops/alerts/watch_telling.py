"""Open, change and close the alerts about conditions, and write what is told of them.

What becomes red in one look is one message where it is more than a few things: one alert, which
names them, is taken up once and closes with the last of them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from ops.alerts.decisions import OpenAlert, decide_all_clears, is_answered
from ops.alerts.drafts import CLEARED_TOGETHER, SEVERITIES, TOGETHER, Draft
from ops.alerts.looks import Decision, Held, cause_of, find_hidden, is_news, note_told
from ops.alerts.notice_wording import PROBLEM, STATE, UNKNOWN, NoticeKind, NoticeRow
from ops.alerts.outbox import find_estate, write_drafts, write_to
from ops.alerts.records import (
    TakenIn,
    close_alerts,
    open_alert,
    read_open,
    repeat_alert,
    show_newest,
)
from ops.alerts.subjects import name_subject, name_subjects
from ops.estate.model.estate import Estate
from ops.language.formats import format_moment
from ops.language.text import N_, _, fill
from ops.outcomes import Explanation


def _word_together(told: NoticeRow, zone: str) -> tuple[str, Explanation]:
    params = told.params
    since = format_moment(datetime.fromisoformat(params["since"]), zone)
    headline = _("{count} things became red at once").format(count=params["count"])
    what = name_subjects(params["subjects"], params["count"])
    if params.get("left", params["count"]) < params["count"]:
        what += ". " + _("Still red of them: {count}").format(count=params["left"])
    return headline, Explanation(
        what,
        why=_("the first of them since {since}; look for what they share").format(since=since),
        next_step=fill(N_("`{program} monitor.alerts --pending` lists each"), {}),
    )


def _word_cleared_together(told: NoticeRow, _zone: str) -> tuple[str, Explanation]:
    params = told.params
    headline = _("{count} alerts are over").format(count=params["count"])
    return headline, Explanation(name_subjects(params["subjects"], params["count"]))


def _word_unknown(told: NoticeRow, zone: str) -> tuple[str, Explanation]:
    watch = told.params["watch"]
    since = format_moment(datetime.fromisoformat(watch["since"]), zone)
    headline = _("{subject} is not as it should be").format(subject=name_subject(watch["subject"]))
    return headline, Explanation(
        _("since {since}: {code}").format(since=since, code=told.code),
        next_step=fill(N_("`{program} monitor.alerts --pending` lists each"), {}),
    )


NOTICE_KINDS = {
    TOGETHER: NoticeKind(_word_together, about_sites=False, label=PROBLEM),
    CLEARED_TOGETHER: NoticeKind(_word_cleared_together, about_sites=False, label=STATE),
    UNKNOWN: NoticeKind(_word_unknown, about_sites=False, label=PROBLEM),
}


MOST_APART = 4
"""What begins, or ends, in one look is told one by one up to here."""
_MOST_NAMED = 30


@dataclass(slots=True)
class Telling:
    """What is told of one look.

    Attributes:
        session: A writing session.
        now: Aware.
        estate: Says whom; without one nobody is told.
        states: Those of the look; each that is told gets its alert.
        alerts: All open alerts.
        opened, closed, notices: How many.
    """

    session: Session
    now: datetime
    estate: Estate | None
    states: dict[str, Held]
    alerts: Mapping[UUID, OpenAlert]
    opened: int = 0
    closed: int = 0
    notices: int = 0

    def tell(self, decision: Decision) -> None:
        """Open, change and close."""
        fresh = [*decision.opened, *(it for it in decision.changed if self._is_shared(it))]
        changed = [it for it in decision.changed if not self._is_shared(it)]
        if len(fresh) + len(changed) > MOST_APART:
            self._open([*fresh, *changed], draft_together([*fresh, *changed], self.now))
        else:
            for held in fresh:
                self._open([held], draft_condition(held, self.states, self.now))
            for held in changed:
                self._change(held)
        moved = [it.alert for it in decision.changed if self.states[it.subject].alert != it.alert]
        self._close([it.alert for it in decision.over], moved)

    def _is_shared(self, held: Held) -> bool:
        alert = self.alerts.get(held.alert) if held.alert else None
        return alert is None or alert.code == TOGETHER

    def _open(self, held: Sequence[Held], draft: Draft) -> None:
        alert = open_alert(self.session, draft, self.now)
        self.opened += 1
        self._write(replace(draft, subject_key=f"watch:{alert.hex}:{_key(held, self.now)}"), alert)
        for it in held:
            self.states[it.subject] = note_told(it, alert, self.now)

    def _change(self, held: Held) -> None:
        assert held.alert is not None  # noqa: S101 - `_is_shared` has looked
        alert, draft = self.alerts[held.alert], draft_condition(held, self.states, self.now)
        repeat_alert(self.session, alert, draft, self.now)
        if not is_answered(alert, draft):
            key = f"watch:{alert.id.hex}:{_key([held], self.now)}"
            self._write(replace(draft, subject_key=key), alert.id)
        self.states[held.subject] = note_told(held, alert.id, self.now)

    def _write(self, draft: Draft, alert: UUID) -> None:
        taken = TakenIn({draft.subject_key: alert})
        self.notices += write_drafts(self.session, [draft], self.estate, taken=taken, now=self.now)

    def _close(self, over: Sequence[UUID | None], moved: Sequence[UUID | None]) -> None:
        left = Counter(it.alert for it in self.states.values() if it.alert)
        touched = dict.fromkeys(it for it in (*over, *moved) if it in self.alerts)
        ended = [self.alerts[it] for it in touched if it and not left[it]]
        close_alerts(self.session, ended, self.now)
        self.closed += len(ended)
        silent = {*moved} - {*over}  # what it told of is red still, and told by another one
        self._clear([it for it in ended if it.id not in silent])
        for alert in (self.alerts[it] for it in touched if it and left[it]):
            params = {**alert.params, "left": left[alert.id]}
            show_newest(self.session, [(alert.id, alert.code, params)], self.now)

    def _clear(self, ended: Sequence[OpenAlert]) -> None:
        """Tell whoever was told; of many at once each target hears once."""
        told = decide_all_clears(ended)
        if len(told) > MOST_APART:
            by_targets: dict[tuple[str, ...], list[Draft]] = {}
            for draft, targets in told:
                by_targets.setdefault(targets, []).append(draft)
            told = [(_join(drafts), targets) for targets, drafts in by_targets.items()]
        for draft, targets in told:
            self.notices += write_to(self.session, draft, targets, self.now)


def tell_look(
    session: Session, decision: Decision, known: Mapping[str, Held], now: datetime
) -> Telling:
    """Tell what a look has changed; gives the states with their alerts, and how much was told.

    Args:
        session: A writing session.
        decision: What was decided.
        known: The states before.
        now: Aware.
    """
    newer = [it for it in decision.states.values() if _is_newer(it, known, now)]
    states = dict(decision.states)
    if not (decision.opened or decision.changed or decision.over or newer):
        return Telling(session, now, None, states, {})
    alerts = {it.id: it for it in read_open(session)}
    telling = Telling(session, now, find_estate(session), states, alerts)
    telling.tell(decision)
    alone = (it for it in newer if it.alert in alerts and alerts[it.alert].code != TOGETHER)
    show_newest(session, [(it.alert, it.code, _params_of(it)) for it in alone if it.alert], now)
    return telling


def _is_newer(held: Held, known: Mapping[str, Held], now: datetime) -> bool:
    """Say whether it has newer figures, or a cause again that was told before."""
    before = known.get(held.subject)
    if held.alert is None or before is None or before is held:
        return False
    return (held.code, held.params) != (before.code, before.params) and not is_news(held, now)


def draft_condition(held: Held, states: Mapping[str, Held], now: datetime) -> Draft:
    """Word nothing: say what is red, with what is not told because of it; pure."""
    hidden = [it.subject for it in find_hidden(states, {held.subject})]
    watch: dict[str, Any] = {"hidden": hidden[:_MOST_NAMED], "hidden_count": len(hidden)}
    if held.is_flapping(now):
        watch["changes"] = len(held.changes)
    params = _params_of(held)
    return Draft(
        subject_key="",
        severity=held.severity,
        code=held.code,
        params={**params, "watch": {**params["watch"], **watch}},
        site=held.site,
        subject=held.subject,
    )


def draft_together(held: Sequence[Held], now: datetime) -> Draft:
    """Say that many things became red at once; pure."""
    names = sorted(it.subject for it in held)
    sites = {it.site for it in held}
    return Draft(
        subject_key="",
        severity=max((it.severity for it in held), key=SEVERITIES.index),
        code=TOGETHER,
        params={
            "count": len(names),
            "subjects": names[:_MOST_NAMED],
            "since": min(it.since for it in held).isoformat(),
        },
        site=sites.pop() if len(sites) == 1 else "",
        subject=f"{TOGETHER}:{now.isoformat()}:{names[0]}",  # a look has its own
    )


def _params_of(held: Held) -> dict[str, Any]:
    watch = {"subject": held.subject, "since": held.since.isoformat()}
    return {**held.params, "watch": watch}


def _key(held: Sequence[Held], now: datetime) -> str:
    return cause_of(held[0], now) if len(held) == 1 else now.isoformat()


def _join(drafts: Sequence[Draft]) -> Draft:
    names = sorted(it.params.get("watch", {}).get("subject", "") for it in drafts)
    return Draft(
        subject_key=f"{CLEARED_TOGETHER}:{drafts[0].subject_key}",
        severity="info",
        code=CLEARED_TOGETHER,
        params={"count": len(drafts), "subjects": [it for it in names if it][:_MOST_NAMED]},
    )
