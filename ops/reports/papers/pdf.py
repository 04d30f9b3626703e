"""Write a paper as PDF: typst with our template and our font, nothing of the machine's.

The fonts are Liberation Serif (`ops/reports/fonts`, SIL Open Font License 1.1): widths as those of
Times New Roman, which the decree asks for. Headings are tagged and stand in the list of bookmarks;
the file claims PDF/A-2a, which typst checks as far as it can and nothing here does.
"""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import cast

import typst

from ops.errors import OpsError
from ops.reports.papers.paper import Paper, as_values

TEMPLATE = Path(__file__).with_name("decree30.typ")
FONTS = Path(__file__).parents[1] / "fonts"
FAMILY = "Liberation Serif"
UNPRINTABLE = "\u25a1"
"""What stands for a letter that the font has not: better seen than lost."""

_PICTURES = (
    "#set page(width: 162mm, height: auto, margin: 0pt)\n"
    f'#set text(font: "{FAMILY}")\n'
    "#for svg in json(bytes(sys.inputs.data)) {\n"
    '  page(image(bytes(svg), format: "svg", width: 100%))\n'
    "}\n"
).encode()
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def write_pdf(paper: Paper) -> list[bytes]:
    """Give the PDF as one file."""
    data = json.dumps(_printable(as_values(paper)), ensure_ascii=False)
    try:
        made, warnings = typst.compile_with_warnings(
            TEMPLATE,
            root=TEMPLATE.parent,
            font_paths=_fonts(),
            sys_inputs={"data": data},
            format="pdf",
            pdf_standards="a-2a",
        )
    except typst.TypstError as error:
        raise OpsError(
            'the paper "{about}" could not be written as PDF',
            why=str(error.message)[:300],
            data="the records it is made from are untouched",
            next_step="make it as DOCX, and report this with its kind",
            about=paper.about,
        ) from error
    if warnings:
        raise OpsError(
            'the paper "{about}" would lose text as PDF',
            why=str(warnings[0].message)[:300],
            data="the records it is made from are untouched",
            next_step="make it as DOCX, and report this with its kind",
            about=paper.about,
        )
    return _files(made)


def svgs_to_png(svgs: Sequence[str]) -> list[bytes]:
    """Give charts as pictures, in the font of the papers, for files that hold no SVG."""
    if not svgs:
        return []
    made = typst.compile(
        _PICTURES,
        font_paths=_fonts(),
        sys_inputs={"data": json.dumps(svgs)},
        format="png",
        ppi=200.0,
    )
    return _files(made)


def _files(made: object) -> list[bytes]:
    return cast("list[bytes]", made if isinstance(made, list) else [made])


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)]
    )


@lru_cache(maxsize=1)
def _unprintable() -> re.Pattern[str]:
    """Give what the font's regular face cannot show."""
    from fontTools.ttLib import TTFont  # a tenth of a second that only papers need

    with TTFont(FONTS / "LiberationSerif-Regular.ttf", lazy=True) as font:
        known = "".join(re.escape(chr(it)) for it in sorted(font.getBestCmap()))
    return re.compile(f"[^\n\t{known}]")


def _printable(value: object, key: str = "") -> object:
    """Replace what the font cannot show: typst would leave it out without a word."""
    if isinstance(value, str):
        return value if key == "svg" else show_unprintable(value)
    if isinstance(value, list):
        return [_printable(it, key) for it in value]
    if isinstance(value, dict):
        return {name: _printable(it, name) for name, it in value.items()}
    return value


def show_unprintable(text: str) -> str:
    """Give text in which each letter that the font has not is a box, and commands are gone."""
    return _unprintable().sub(UNPRINTABLE, _CONTROL.sub("", text))
