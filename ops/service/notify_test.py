"""Send a marked test message to every target at once, past the outbox, and say what came of it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from ops.access.session import at_bench
from ops.alerts.courier import NotDeliveredError, find_address, send
from ops.alerts.notice_wording import Message
from ops.alerts.outbox import RELAY
from ops.alerts.routing import is_mail
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry
from ops.language.formats import format_moment
from ops.language.text import N_, _, fill, speaking
from ops.service.tasks import NotifyTest
from ops.terminal.output import Cell, write_line, write_table


def try_targets(wish: NotifyTest) -> int:
    """Send the test; gives 0 when every message was handed over, else 1.

    Raises:
        WrongUseError: The estate names no relay, or nobody of that name.
        SecretError: The relay's address cannot be read.
    """
    estate = load_estate()
    targets = find_test_targets(estate, wish.person)
    if wish.dry_run:
        write_table([_("To"), _("Mail")], [(it, _mail_of(estate, it)) for it in targets])
        write_line(_("nothing was sent"))
        return 0
    with at_bench(estate) as bench:
        message = _word(estate, bench.origin.person or bench.origin.login)
        answers = {target: _try_one(estate, target, message) for target in targets}
        with bench.catalog.writing() as session:
            told = {target: str(error or "") for target, error in answers.items()}
            entry = Entry("notices.test", wish.person or "*", {"answers": told})
            journal.append(session, bench.origin, [entry])
    write_table(
        [_("To"), _("Mail"), _("Result")],
        [
            (
                target,
                _mail_of(estate, target),
                Cell(fill(error.what, error.params), "bad")
                if error
                else Cell(_("handed over"), "good"),
            )
            for target, error in answers.items()
        ],
    )
    if any(answers.values()):
        text = N_("Correct the relay or the address, then `{program} service.notify-test`")
        write_line(fill(text, {}))
        return 1
    write_line(_("Handed over is not yet read: ask each of them whether it arrived."))
    return 0


def find_test_targets(estate: Estate, person: str = "") -> Sequence[str]:
    """Give everybody a route or the roster names, in the order of the estate; or who was asked."""
    relay = estate.notices.relay
    if relay is None:
        raise WrongUseError(
            "the estate names no relay: nobody can be told",
            data="nothing was sent",
            next_step="set `[notices] relay`, then run `{program} estate.check`",
        )
    names = [it.name for it in estate.people]
    if person and person not in names:
        raise WrongUseError(
            'no person is called "{name}"',
            data="nothing was sent",
            next_step="`{program} estate.show` lists what the estate holds",
            name=person,
        )
    if not is_mail(relay):
        return [RELAY]
    told = {name for route in estate.notices.routes for name in route.people}
    told |= {turn.person for turn in estate.notices.roster}
    return [person] if person else [name for name in names if name in told] or [RELAY]


def _try_one(estate: Estate, target: str, message: Message) -> NotDeliveredError | OpsError | None:
    """Send to one; gives what went wrong, without secrets."""
    try:
        send(find_address(estate, target), message)
    except (NotDeliveredError, OpsError) as error:
        return error
    return None


def _mail_of(estate: Estate, target: str) -> str:
    return next((it.mail for it in estate.people if it.name == target and it.mail), "–")


def _word(estate: Estate, asked_by: str) -> Message:
    now = datetime.now(UTC)
    moment = format_moment(now, estate.organisation.timezone)
    with speaking(estate.organisation.language):
        title = _("TEST, nothing is wrong")
        body = _(
            "This is a test of how you are told when something is wrong. {person} asked for it."
            " Nothing needs to be done, but do say that it arrived."
        ).format(person=asked_by)
        closing = _("Written {moment} by {organisation}.").format(
            moment=moment, organisation=estate.name_at(now)
        )
    return Message(f"[Giữ Cổng] {title}", f"{body}\n\n{closing}\n")
