"""What the estate says is kept, as the engine takes it; pure, and light for the watch."""

from backup.retention.policy import KeepPolicy
from ops.backups.sources.site import path_alone
from ops.estate.model.policies import DatabaseRetention, Retention
from ops.estate.model.sites import DatabasePart, Site


def list_paths(site: Site, part: DatabasePart) -> list[tuple[str, ...]]:
    """Give the paths by which snapshots of a database alone are known; pure.

    Earlier versions wrote the same path for every database of a site.
    """
    found: list[tuple[str, ...]] = [(path_alone(site, part),)]
    if len(site.databases) == 1:
        found.append((f"/{site.name}/databases",))
    return found


def make_policy(retention: Retention | DatabaseRetention) -> KeepPolicy:
    """Give the engine's policy for the estate's keep rules; the minimum is `Guard`'s."""
    hourly = retention.keep_hourly if isinstance(retention, DatabaseRetention) else 0
    return KeepPolicy(
        last=retention.keep_last,
        hourly=hourly,
        daily=retention.keep_daily,
        weekly=retention.keep_weekly,
        monthly=retention.keep_monthly,
        yearly=retention.keep_yearly,
    )
