"""Every table of the catalog: whoever needs all of them takes `METADATA` from here.

Each module of this package that is called `indexes` or ends in `records` defines some.
"""

import pkgutil
from importlib import import_module

from ops import catalog
from ops.catalog.columns import Base

for _module in pkgutil.iter_modules(catalog.__path__):
    if _module.name == "indexes" or _module.name.endswith("records"):
        import_module(f"{catalog.__name__}.{_module.name}")

METADATA = Base.metadata
