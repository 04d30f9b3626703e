"""What the estate asks of a site's pages, as they are noted with it; pure."""

from ops.backups.pages.notes import PageRules
from ops.estate.model.sites import Site


def rules_of(site: Site) -> dict[str, PageRules]:
    """Give the rules of each page that the estate names."""
    check = site.page_check
    return {
        page: PageRules(
            tuple(check.must_contain.get(page, ())), check.ignore, check.alike_percent / 100
        )
        for page in site.pages
    }
