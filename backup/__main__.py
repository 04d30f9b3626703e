"""``python -m backup``: the engine without the service."""

import os
import sys

from backup.commands.main import main
from backup.workers.core_dumps import forbid_core_dumps

if __name__ == "__main__":
    forbid_core_dumps()
    # numpy only sorts and searches here; its algebra library would start a thread for each core.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main(sys.argv[1:]))
