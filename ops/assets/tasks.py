"""Tasks around assets: what the Center has, until when, and what it cost."""

from typing import Annotated

from ops.access.rights import OFFICE, OPERATE
from ops.language.text import N_
from ops.terminal.flags import DryRun, Json
from ops.terminal.task import Flag, Form, task

TITLE = N_("assets: devices, software, lines, contracts")

_Kind = Annotated[
    str, Flag("Only of this kind.", "Kind; empty: all", one_of="ops.assets.asset:KINDS")
]


@task("asset.list", "ops.assets.cli:show_assets", roles=OFFICE)
class ListAssets:
    """List the assets: what, where, until when, for how much."""

    kind: _Kind = ""
    all: Annotated[bool, Flag("Retired ones too.")] = False
    json: Json = False


@task(
    "asset.import",
    "ops.assets.cli:import_assets",
    roles=OPERATE,
    forms=(Form("Take a sheet over", upload="file"),),
)
class ImportAssets:
    """Take a sheet of assets over: new ones are added, changed ones changed, each journaled.

    What the sheet does not name stays; to end an asset, write retired as its state.
    """

    file: Annotated[
        str,
        Flag(
            "The sheet: XLSX, or CSV in UTF-8; heads as `asset.export` writes them.",
            shape="input-file",
        ),
    ]
    dry_run: DryRun = False
    json: Json = False


@task(
    "asset.export",
    "ops.assets.cli:export_assets",
    roles=OFFICE,
    forms=(
        Form(
            "Write them into a sheet",
            "All assets as a sheet, which can be taken over again.",
            out="out",
            out_name="assets.xlsx",
        ),
    ),
)
class ExportAssets:
    """Write the assets into a sheet that `asset.import` reads back."""

    out: Annotated[str, Flag("The file to write: XLSX or CSV by its name.", shape="output-file")]
    kind: _Kind = ""
    json: Json = False


@task("asset.diff", "ops.assets.cli:show_differences", roles=OFFICE, keeps=True)
class CompareAssets:
    """Compare the assets with the estate, and tell what ends soon.

    Exit code 0 where they agree, 1 where something differs, ends or was not checked.
    """

    look: Annotated[
        bool,
        Flag(
            "Look at the hosts through SSH, too: serial, addresses, system; journaled.",
            roles=OPERATE,
        ),
    ] = False
    json: Json = False
