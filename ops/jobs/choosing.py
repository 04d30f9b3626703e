"""Which sites a command means."""

from ops.errors import WrongUseError
from ops.estate.models import Estate
from ops.estate.sites import Site


def choose_sites(estate: Estate, name: str) -> tuple[Site, ...]:
    """Give the site of that name, or all where none is named.

    Raises:
        WrongUseError: There is none.
    """
    if name:
        return (estate.site(name),)
    if not estate.sites:
        raise WrongUseError(
            "the estate has no site",
            why="{path} names none",
            next_step="add `[[sites]]`; `{program} estate.sample` shows how",
            path=estate.path,
        )
    return estate.sites
