"""Tasks around the estate file."""

from invoke.context import Context

from ops.tasks.running import operator_task
from ops.text import N_

TITLE = N_("the estate file: what is backed up, from where, to where")


@operator_task(as_owner=False)
def sample(_context: Context) -> None:
    """Print a commented sample of the estate file."""
    from ops.estate.sample import write_sample
    from ops.present import write_text

    write_text(write_sample())


@operator_task(help={"json": N_("Print the problems as JSON.")})
def check(_context: Context, json: bool = False) -> int:
    """Check the estate file and what it points to; list every problem with its fix.

    Nothing is changed. Exit code 0 when there is no problem, 1 when there is one; warnings do not
    count.
    """
    from datetime import datetime

    from ops.errors import EstateError
    from ops.estate.check import check_surroundings
    from ops.estate.load import load_estate
    from ops.estate.report import report_problems

    try:
        estate = load_estate()
    except EstateError as error:
        if not json:
            raise
        return report_problems(error.path, error.problems, as_json=True)
    problems = check_surroundings(estate, datetime.now(estate.zone).date())
    return report_problems(estate.path, problems, as_json=json)


@operator_task(help={"json": N_("Print the whole estate as JSON.")})
def show(_context: Context, json: bool = False) -> None:
    """Show the estate as the service understands it, with defaults merged in."""
    from ops.estate.load import load_estate
    from ops.estate.show import describe_estate
    from ops.present import write_json

    if json:
        write_json(describe_estate(load_estate()))
    else:
        write_overview()


def write_overview() -> None:
    """Write the estate's tables: sites, stores, hosts."""
    from ops.estate.load import load_estate
    from ops.estate.show import overview
    from ops.present import write_line, write_table

    estate = load_estate()
    write_line(f"{estate.organisation.name} · {estate.path}")
    for table in overview(estate):
        write_line()
        write_table(table.columns, table.rows, title=table.title)
