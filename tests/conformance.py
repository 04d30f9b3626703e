"""Conformance data of other projects: beside the checkout, or where CONFORMANCE_DIR says.

Tests that read it have the marker `conformance`. Where it is absent they are left out, and named by
`make test`; with CONFORMANCE=required their absence is a failure.
"""

import os
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "conformance"
CONFORMANCE = Path(os.environ.get("CONFORMANCE_DIR") or _BESIDE)


def is_left_out() -> bool:
    """Whether tests of conformance cannot run, and need not."""
    return not CONFORMANCE.is_dir() and os.environ.get("CONFORMANCE") != "required"
