"""Try a site for a person at a terminal, and say what was seen."""

from dataclasses import asdict

from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.sites import RESERVED_SITE_NAMES
from ops.language.formats import format_duration, format_number, format_size
from ops.language.text import LABELS, _
from ops.sites.probe.probe import Tried, spoken_seconds, try_site
from ops.sites.tasks import Test
from ops.terminal.exit_codes import INCOMPLETE
from ops.terminal.output import outcome_cell, write_json, write_line, write_table


def show_trials(wish: Test) -> int:
    """Try a site; gives 0, 1 where something failed, 3 where something was not checked."""
    estate = load_estate()
    if wish.site in RESERVED_SITE_NAMES:
        raise WrongUseError(
            'the name "{site}" belongs to the service itself',
            data="nothing was changed",
            next_step="`{program} estate.show` lists the sites",
            site=wish.site,
        )
    tried = try_site(estate, estate.site(wish.site))
    code = exit_code_of(tried)
    if wish.json:
        whole = asdict(tried)
        del whole["trials"]
        write_json(tried.trials, ok=code == 0, **whole)
        return code
    rows = [(it.part, outcome_cell(it.outcome), it.told) for it in tried.trials]
    write_table([_("Part"), _("State"), _("What was seen")], rows)
    write_line()
    for trial in tried.trials:
        if trial.next_step:
            write_line(f"{trial.part}")
            write_line(f"    {_(LABELS['next_step'])}: {trial.next_step}")
    write_line(_reckoning(tried))
    return code


def exit_code_of(tried: Tried) -> int:
    """Give the gravest: what did not run is never ok."""
    outcomes = {it.outcome for it in tried.trials}
    if "failed" in outcomes:
        return 1
    return INCOMPLETE if "not_checked" in outcomes else 0


def _reckoning(tried: Tried) -> str:
    size = format_size(tried.size_bytes)
    files = format_number(tried.files)
    if tried.seconds is None or tried.read_bytes_per_second is None:
        return _("To copy: {files} files, {size}; how long it takes is not known.").format(
            files=files, size=size
        )
    return _(
        "To copy: {files} files, {size}; a trial read, compressed and sealed {rate} a second. The"
        " first copy takes about {duration}, and as much longer as the store is slower than that."
    ).format(
        files=files,
        size=size,
        rate=format_size(round(tried.read_bytes_per_second)),
        duration=format_duration(spoken_seconds(tried.seconds)),
    )
