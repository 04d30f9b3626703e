"""The catalog: one database of what the service decided, did and saw.

Its tables are of two kinds and say so in their docstring and in `__table__.info["kind"]`:
*index* tables can be rebuilt from the stores, *record* tables cannot and are backed up.
`ops.catalog.open.open_catalog` is the way in; SQLite is the default, PostgreSQL works alike.
"""
