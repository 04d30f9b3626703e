"""List, import, export and compare assets for a person at a terminal."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from ops.access.session import at_bench, reading
from ops.assets.asset import KINDS, STATES, read_assets, write_lines
from ops.assets.compare import compare_hosts, find_differences, look_at_hosts
from ops.assets.records import AssetChange, apply_import, list_assets, note_comparison, plan_import
from ops.assets.sheet import LinesError, read_lines, write_xlsx
from ops.assets.tasks import CompareAssets, ExportAssets, ImportAssets, ListAssets
from ops.csv_file import write_csv
from ops.durable_files import FILE_MODE, place_file
from ops.errors import Problem, WrongUseError
from ops.estate.load.load import load_estate
from ops.language.formats import format_date
from ops.language.text import N_, _, fill
from ops.terminal.output import write_json, write_line
from ops.terminal.view import Column, Row, View, money, until, words, write_list

_MOST_TOLD = 30
_CODES: Mapping[str, str] = {
    "host-without-asset": N_("the estate names the host, the register has no server of it"),
    "asset-without-host": N_("the register names the host {value}, the estate does not"),
    "domain-without-asset": N_("a site has this domain, the register does not"),
    "ends-soon": N_("warranty or support ends on {day}"),
    "ended": N_("warranty or support ended on {day}"),
    "unknown-unit": N_("the estate has no unit {value}"),
    "unknown-system": N_("the estate has no system {value}"),
    "address-differs": N_("the host has other addresses: {value}"),
    "serial-differs": N_("the host tells another serial or MAC: {value}"),
    "version-differs": N_("the host runs version {value}"),
    "system-without-asset": N_("the host runs {value}, the register has no such software of it"),
    "not-checked": N_("not checked: the host did not let us look"),
}
ASSETS = View(
    N_("no asset yet: `{program} asset.import --file FILE`"),
    Column("name", N_("Name"), link="/documents?about=asset%3A{name}"),
    Column("kind", N_("Kind"), words(KINDS)),
    Column("title", N_("What")),
    Column("host", N_("Host")),
    Column("place", N_("Place")),
    Column("state", N_("State"), words(STATES)),
    Column("warranty_until", N_("Warranty until"), until),
    Column("supported_until", N_("Supported until"), until),
    Column("price", N_("Price"), money),
)


def _difference(row: Row) -> str:
    told = format_date(date.fromisoformat(row["day"])) if row["day"] else ""
    return _(_CODES[row["code"]]).format(value=row["value"], day=told)


DIFFERENCES = View(
    N_("Register and estate agree, and nothing ends soon."),
    Column("name", N_("Name")),
    Column("code", N_("What was found"), of=_difference),
)


def show_assets(wish: ListAssets) -> int:
    """Write the assets; gives 0."""
    estate = load_estate()
    with reading(estate) as session:
        assets = list_assets(session, kind=wish.kind, retired_too=wish.all)
    write_list(ASSETS, assets, as_json=wish.json)
    return 0


def import_assets(wish: ImportAssets) -> int:
    """Take a sheet over; gives 0."""
    estate, path = load_estate(), Path(wish.file)
    problems: list[Problem] = []
    sheet = read_assets(read_lines(path), problems)
    if problems:
        raise LinesError(path, problems)
    with at_bench(estate, dry_run=wish.dry_run) as bench, bench.catalog.writing() as session:
        changes = plan_import(list_assets(session, retired_too=True), sheet)
        if changes:
            apply_import(session, bench.origin, changes, now=datetime.now(UTC))
    if wish.json:
        write_json(
            [
                {"name": it.asset.name, "is_new": it.before is None, "changes": it.as_values()}
                for it in changes
            ],
            written=not wish.dry_run,
        )
        return 0
    _write_changes(changes, dry_run=wish.dry_run)
    return 0


def _write_changes(changes: Sequence[AssetChange], *, dry_run: bool) -> None:
    new = sum(it.before is None for it in changes)
    text = (
        _("would add {new} and change {changed} assets")
        if dry_run
        else _("added {new} and changed {changed} assets")
    )
    for change in changes[:_MOST_TOLD]:
        write_line(tell_change(change))
    write_line(text.format(new=new, changed=len(changes) - new))


def tell_change(change: AssetChange) -> str:
    """Give what a change does to an asset; a line for each of its fields."""
    if change.before is None:
        return f"+ {change.asset.name}: {change.asset.title}"
    return "\n".join(
        f"~ {change.asset.name}.{name}: {old or '–'} → {now or '–'}"
        for name, (old, now) in change.as_values().items()
    )


def export_assets(wish: ExportAssets) -> int:
    """Write the assets into a file, XLSX or CSV by its name; gives 0."""
    estate, path = load_estate(), Path(wish.out)
    if path.suffix.lower() not in {".csv", ".xlsx"}:
        raise WrongUseError(
            "the name of the file says neither CSV nor XLSX",
            next_step="give `--out` a name such as assets.xlsx",
        )
    with reading(estate) as session:
        assets = list_assets(session, kind=wish.kind, retired_too=True)
    lines = write_lines(assets)
    is_csv = path.suffix.lower() == ".csv"
    place_file(
        path,
        write_csv(lines) if is_csv else write_xlsx(lines, title=_("Assets")),
        mode=FILE_MODE,
        replace=True,
    )
    if wish.json:
        write_json([{"file": str(path), "assets": len(assets)}])
        return 0
    write_line(_("{count} assets are in {path}").format(count=len(assets), path=path))
    return 0


def show_differences(wish: CompareAssets) -> int:
    """Write where the register differs, and what ends; gives 1 where there is any, else 0."""
    estate = load_estate()
    with reading(estate) as session:
        assets = list_assets(session)
    today = datetime.now(UTC).astimezone(estate.zone).date()
    found = find_differences(assets, estate, today)
    if wish.look:
        seen = look_at_hosts(estate)
        found += compare_hosts(assets, seen)
        with at_bench(estate) as bench, bench.catalog.writing() as session:
            note_comparison(session, bench.origin, seen, found)
    write_list(DIFFERENCES, found, as_json=wish.json)
    if not wish.look and not wish.json and estate.hosts:
        text = N_("  not checked: what the hosts say (`{program} asset.diff --look`)")
        write_line(fill(text, {}))
    return 1 if found else 0
