"""The part of the watch that looks at nothing outside: own figures, forecasts, `/metrics`."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy.exc import DBAPIError

from ops.alerts.looks import Condition
from ops.alerts.silences import FORECAST
from ops.errors import OpsError, SecretError
from ops.estate.model.estate import Estate
from ops.estate.model.references import resolve
from ops.language.text import N_
from ops.monitor.forecast.look import Outlook, judge_outlooks, list_outlooks
from ops.monitor.metrics import MetricsServer, read_fresh
from ops.monitor.own_figures import list_figures
from ops.monitor.series.store import SeriesStore
from ops.monitor.visits import count_visits
from ops.monitor.watch.keep import Keeper
from ops.outcomes import Explanation

log = logging.getLogger(__name__)

FIGURES_SECONDS = 300.0
FORECAST_SECONDS = 3_600.0
METRICS = "watch:metrics"


def keep_figures(estate: Estate, keeper: Keeper) -> None:
    """Keep how old backups, drills and readings are, how full stores are, and new visits."""
    now = datetime.now(UTC)
    with keeper.catalog.reading() as session:
        figures = list_figures(session, estate, now)
    keeper.keep_points(figures, now)
    keeper.in_series(lambda store: count_visits(store, estate, now))


def keep_forecasts(estate: Estate, keeper: Keeper) -> None:
    """Give to the alerts what is full soon; without the series nothing is said."""
    now = datetime.now(UTC)
    found: list[list[Outlook]] = []

    def look(store: SeriesStore) -> None:
        with keeper.catalog.reading() as session:
            found.append(list_outlooks(store, session, estate, now))

    keeper.in_series(look)
    for outlooks in found:
        conditions = judge_outlooks(outlooks, estate, now)
        keeper.keep_conditions(conditions, [FORECAST], now, FORECAST_SECONDS)


def give_metrics(estate: Estate, keeper: Keeper) -> MetricsServer | None:
    """Begin to give figures out where the estate says so; None where it does not or cannot."""
    monitor, server, code, reason = estate.monitor, None, "", ""
    listen, token = monitor.metrics, monitor.metrics_token
    if listen is not None and token is None:
        code = "metrics_without_token"
    elif listen is not None and token is not None:
        try:
            server = MetricsServer(listen, lambda: read_fresh(keeper.store()), resolve(token))
        except SecretError:
            code = "metrics_without_token"
        except OSError as error:
            code, reason = "metrics_not_given", error.strerror or type(error).__name__
    if code:
        log.warning(code.replace("_", "-"), extra={"fields": {"error": reason}})
    condition = Condition(
        subject=METRICS,
        state="bad" if code else "good",
        code=code,
        params={"listen": listen, "reason": reason} if code else {},
    )
    try:
        keeper.keep_conditions([condition], [METRICS], datetime.now(UTC), FORECAST_SECONDS)
    except (DBAPIError, OpsError) as error:  # the watch begins all the same
        log.warning("metrics-not-told", extra={"fields": {"error": type(error).__name__}})
    return server


EXPLANATIONS: Mapping[str, Explanation] = {
    "metrics_not_given": Explanation(
        N_("figures are not given out at {listen}: {reason}"),
        N_("another program listens there, or the address is not this machine's"),
        N_("the watch itself goes on"),
        N_("choose another port in `[monitor] metrics`, then `systemctl restart giucong`"),
    ),
    "metrics_without_token": Explanation(
        N_("figures are not given out at {listen}: there is no token that readers show"),
        N_("every account of this machine reaches that address"),
        N_("the watch itself goes on"),
        N_("`{program} estate.check` says what to add; then `systemctl restart giucong`"),
    ),
}
