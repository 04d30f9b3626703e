"""Take a removable medium out of use: it counts as a copy no more, and nobody is told of it.

Order: confirm; delete the record and journal it whole, in one transaction. The medium itself is not
touched: what becomes of it is the archive's and the security officer's business.
"""

from dataclasses import replace

from ops.access.session import at_bench
from ops.backups.media.records import note_retired, read_media
from ops.backups.media.tasks import RetireMedia
from ops.catalog.tables.copies import Medium
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.language.text import _
from ops.terminal.confirm import need_confirmation
from ops.terminal.output import write_line


def retire_medium(wish: RetireMedia) -> int:
    """Take it out of use; gives 0.

    Raises:
        WrongUseError: There is no such medium, no reason, or nobody has confirmed it.
    """
    estate = load_estate()
    if not wish.reason.strip():
        raise WrongUseError(
            "taking a medium out of use needs a reason",
            next_step="add `--reason TEXT`: why, and what became of it",
        )
    told = _("the medium {code} counts as a copy no more; its code stays taken")
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        with bench.catalog.reading() as session:
            codes = [it.code for it in read_media(session)]
        if wish.code not in codes:
            raise WrongUseError(
                'there is no medium "{code}"',
                next_step="the media in use: {codes}",
                code=wish.code,
                codes=", ".join(codes) or "–",
            )
        if not wish.dry_run:
            need_confirmation(wish.code, wish.confirm, told.format(code=wish.code))
        origin = replace(bench.origin, reason=wish.reason, document=wish.document)
        with bench.catalog.writing() as session:
            medium = session.get_one(Medium, wish.code)
            note_retired(session, origin, medium)
    write_line(told.format(code=wish.code))
    return 0
