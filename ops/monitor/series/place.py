"""Where an estate's figures are kept."""

from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.monitor.series.store import default_url


def series_url(estate: Estate) -> str:
    """Give where figures are kept, secrets resolved."""
    if estate.monitor.series is not None:
        return reveal(estate.monitor.series)
    return default_url(reveal(estate.catalog.url), estate.service.state)
