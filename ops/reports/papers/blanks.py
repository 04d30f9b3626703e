"""Which places of a paper are left blank; pure."""

import re

from ops.reports.papers.paper import Heading, Paper, Paragraph, Table

_BLANK = re.compile(r"\.{6,}")
"""Dots that somebody writes on: papers have them where nobody knows."""


def list_blanks(paper: Paper) -> list[str]:
    """Give the texts in which a blank stands, each once: around the paper, then in their order.

    One that is nothing but a blank is called by the heading above it; a cell of a table by the
    first cell of its row and its column.
    """
    head = paper.letterhead
    around = (head.authority, head.body, head.place, paper.about, *paper.bases)
    found = {_shorten(it): None for it in around if _BLANK.search(it)}
    found |= {f"Kính gửi: {_shorten(it)}": None for it in paper.addressees if _BLANK.search(it)}
    heading = ""
    for block in paper.blocks:
        match block:
            case Heading():
                heading = block.text
            case Paragraph() if _BLANK.search(block.text):
                text = _shorten(block.text)
                found[text if re.search(r"\w", text) else heading] = None
            case Table():
                for row in block.rows:
                    for column, cell in zip(block.columns, row, strict=True):
                        if _BLANK.search(cell):
                            found[f"{row[0]}: {column.head}"] = None
            case _:
                pass
    return list(found)


def _shorten(text: str) -> str:
    return " ".join(_BLANK.sub("…", text).split())
