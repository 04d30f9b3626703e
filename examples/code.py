"""Prints the code of now of somebody in the demo: `python -m examples.code nva`."""

import sys
import time
from pathlib import Path

from examples.people import ROLES, factor_of
from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.access.factors import STEP_SECONDS
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.language.text import _, render_error

ESTATE = Path(__file__).parent.parent / "var" / "demo" / "estate.toml"


def main() -> None:
    """Print the code, and for how long it is good."""
    person = sys.argv[1] if len(sys.argv) > 1 else next(iter(ROLES))
    path = Path(sys.argv[2]) if len(sys.argv) > 2 else ESTATE  # noqa: PLR2004 - the second word
    try:
        factor = factor_of(load_estate(path), person)
    except OpsError as error:
        sys.exit(render_error(error))
    except KeyError:
        sys.exit(_("the demo's people are: {names}").format(names=", ".join(ROLES)))
    left = STEP_SECONDS - int(time.time()) % STEP_SECONDS
    print(factor.now())
    print(_("good once, for {count} more seconds").format(count=left), file=sys.stderr)


if __name__ == "__main__":
    main()
