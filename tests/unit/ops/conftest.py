from tests.unit.ops.estate.conftest import load

__all__ = ["load"]
