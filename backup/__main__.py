"""``python -m backup``: the engine without the service."""

import sys

from backup.commands.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
