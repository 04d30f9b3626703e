"""Tasks around assets: what the Center has, until when, and what it cost."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "asset"
TITLE = N_("assets: devices, software, lines, contracts")

_KIND = N_("Only of this kind, such as server, software or contract.")


@operator_task(
    name="list",
    help={"kind": _KIND, "all": N_("Retired ones too."), "json": flags.JSON},
)
def list_(_context: Context, kind: str = "", all: bool = False, json: bool = False) -> int:  # noqa: A002 - the flag's name
    """List the assets: what, where, until when, for how much."""
    from ops.assets.cli import show_assets

    return show_assets(kind, retired_too=all, as_json=json)


@operator_task(
    name="import",
    help={
        "file": N_("The sheet: XLSX, or CSV in UTF-8; heads as `asset.export` writes them."),
        "dry_run": flags.DRY_RUN,
        "json": flags.JSON,
    },
)
def import_(_context: Context, file: str, dry_run: bool = False, json: bool = False) -> int:
    """Take a sheet of assets over: new ones are added, changed ones changed, each journaled.

    What the sheet does not name stays; to end an asset, write retired as its state.
    """
    from ops.assets.cli import import_assets

    return import_assets(file, dry_run=dry_run, as_json=json)


@operator_task(
    help={"out": N_("The file to write: XLSX or CSV by its name."), "kind": _KIND,
          "json": flags.JSON}
)  # fmt: skip
def export(_context: Context, out: str, kind: str = "", json: bool = False) -> int:
    """Write the assets into a sheet that `asset.import` reads back."""
    from ops.assets.cli import export_assets

    return export_assets(out, kind, as_json=json)


@operator_task(
    help={
        "look": N_("Look at the hosts through SSH, too: serial, addresses, system; journaled."),
        "json": flags.JSON,
    }
)
def diff(_context: Context, look: bool = False, json: bool = False) -> int:
    """Compare the assets with the estate, and tell what ends soon.

    Exit code 0 where they agree, 1 where something differs, ends or was not checked.
    """
    from ops.assets.cli import show_differences

    return show_differences(look=look, as_json=json)
