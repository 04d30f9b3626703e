"""Tasks around documents: scans of decisions, quotations, issued papers."""

from typing import Annotated

from ops.access.rights import OFFICE, OPERATE
from ops.language.text import N_
from ops.terminal.flags import DryRun, Json
from ops.terminal.task import Flag, Form, task

TITLE = N_("documents: decisions, quotations, issued papers")


@task(
    "document.add",
    "ops.documents.cli:add",
    roles=OPERATE,
    forms=(Form("Keep a document", upload="file"),),
)
class AddDocument:
    """Keep a document under the hash of its bytes; it is saved with the service's own backup."""

    file: Annotated[
        str, Flag("The file: PDF, PNG, JPEG, XLSX or DOCX, at most 20 MiB.", shape="input-file")
    ]
    title: Annotated[str, Flag("What it is.")]
    number: Annotated[str, Flag("Its own number, such as 12/QĐ-UBND.")] = ""
    date: Annotated[str, Flag("Its own day, such as 05/02/2027.", shape="date")] = ""
    about: Annotated[
        str,
        Flag(
            "What it belongs to, such as plan:2027 or asset:may-chu-1.",
            "Belongs to, such as plan:2027",
        ),
    ] = ""
    dry_run: DryRun = False


@task("document.list", "ops.documents.cli:show", roles=OFFICE)
class ListDocuments:
    """List documents, kept last first, and whether their bytes are whole.

    Exit code 1 where the bytes of one are gone or changed.
    """

    about: Annotated[str, Flag("Only what belongs to this, such as plan:2027.")] = ""
    json: Json = False


@task(
    "document.export",
    "ops.documents.cli:export",
    roles=OFFICE,
    keeps=True,
    forms=(Form("Download", out="out"),),
)
class ExportDocument:
    """Write a copy of a document into a folder, once its bytes are found whole; it is journaled."""

    id: Annotated[str, Flag("Id of the document, as `document.list` shows it.")]
    out: Annotated[
        str,
        Flag(
            "Folder for the file; it is made where it is not there.",
            shape="output-folder",
            endings=(".pdf", ".png", ".jpeg", ".xlsx", ".docx"),
        ),
    ]
