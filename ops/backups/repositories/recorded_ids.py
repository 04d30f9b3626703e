"""Which repository was seen where, for who opens one and has no catalog at hand."""

from pathlib import Path

from sqlalchemy import inspect, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from ops.catalog.engine import create_catalog_engine
from ops.catalog.tables.index import StoreSeen


def read_recorded_id(url: str, site: str, store: str) -> str:
    """Give the id of the repository that was last seen; empty where none was, or nobody can tell.

    A catalog that is not there is not made, and one that cannot be read keeps nobody from a backup:
    who needs it for more says so.

    Args:
        url: The catalog's, secrets resolved.
        site: Name of the site.
        store: Name of the store.
    """
    file = make_url(url).database if url.startswith("sqlite") else ""
    if file and not Path(file).exists():
        return ""
    engine = create_catalog_engine(url)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(StoreSeen.__tablename__):
                return ""
            query = select(StoreSeen.repository_id).where(
                StoreSeen.site == site, StoreSeen.store == store
            )
            return connection.execute(query).scalar() or ""
    except SQLAlchemyError:
        return ""
    finally:
        engine.dispose()
