"""Name the sites with personal data that do not give their own reasons for keeping it; pure."""

from collections.abc import Iterator

from ops.errors import Problem
from ops.estate.models import Estate
from ops.estate.sites import Site
from ops.text import N_

_REASONS = (
    (
        "minimum_basis",
        N_("the site holds personal data and does not say for itself why backups are kept so long"),
    ),
    (
        "maximum_basis",
        N_("the site holds personal data and does not say for itself why none is kept longer"),
    ),
)


def check_personal_data(estate: Estate) -> Iterator[Problem]:
    """Name the sites with personal data that do not say why they keep it so long, no longer; pure.

    What `[defaults]` says for all sites is no reasoning about this one.
    """
    personal = {it.name for it in estate.classes if it.personal_data}
    usual = estate.defaults.retention
    for site in estate.sites:
        if not personal & set(site.classes):
            continue
        for key, what in _REASONS:
            told = getattr(site.retention, key)
            if not told or told == getattr(usual, key):
                yield _lacks_reason(site, key, what)


def _lacks_reason(site: Site, key: str, what: str) -> Problem:
    return Problem(
        f"sites[{site.name}].retention.{key}",
        what,
        N_("write `{key}` in the site's own `[sites.retention]`"),
        {"key": key},
        severity="warning",
    )
