"""``python -m backup``: the engine without the service."""

import os
import sys

from backup.commands.main import main

if __name__ == "__main__":
    # numpy only sorts and searches here; its algebra library would start a thread for each core.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main(sys.argv[1:]))
