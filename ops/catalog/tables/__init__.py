"""The tables of the catalog, one module a slice; the slice's `records.py` holds the queries."""
