"""Every table of the catalog: whoever needs all of them takes `METADATA` from here."""

import pkgutil
from importlib import import_module

from ops.catalog import tables
from ops.catalog.columns import Base

for _module in pkgutil.iter_modules(tables.__path__):
    import_module(f"{tables.__name__}.{_module.name}")

METADATA = Base.metadata
