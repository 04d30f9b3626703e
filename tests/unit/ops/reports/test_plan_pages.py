"""A plan is as long as somebody reads, however many sites and devices there are."""

import subprocess
from pathlib import Path

import pytest

from ops.catalog.open import open_catalog
from ops.estate.model.references import reveal
from ops.planning.read import read_document
from ops.planning.records import get_plan
from ops.reports.papers.pdf import write_pdf
from ops.reports.plan_papers import make_papers
from tests.a_year import NOW, write_estate, write_year
from tests.unit.ops.reports.a_plan import KINDS, YEAR, write_plan

pytestmark = pytest.mark.slow
SITES, OF_EACH, MOST_PAGES = 40, 8, 20


def test_a_plan_of_forty_sites_and_sixty_assets_has_twenty_pages(tmp_path: Path) -> None:
    estate = write_estate(tmp_path, SITES)
    write_year(estate)
    with open_catalog(reveal(estate.catalog.url)) as catalog:
        write_plan(estate, catalog, of_each=OF_EACH)
        with catalog.reading() as session:
            document = read_document(session, estate, get_plan(session, YEAR), NOW)
    path = tmp_path / "plan.pdf"
    path.write_bytes(b"".join(write_pdf(make_papers(document, estate)["plan"])[:1]))
    told = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, check=True).stdout

    assert len(document.annexes.assets) == len(KINDS) * OF_EACH > 60
    assert told.count(b"\f") <= MOST_PAGES
    renewed = [it for it in document.chosen if it.item.title == "Gia hạn tên miền"]
    assert 1 < len(renewed) <= 4  # one for each quarter
    assert sum(it.item.quantity for it in renewed) == OF_EACH
