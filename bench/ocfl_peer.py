"""`python ocfl_peer.py store FROM TO`, in the environment of ocfl-py: objects made and added.

It stands alone, for that environment knows nothing of ours.
"""

import logging
import shutil
import sys
from pathlib import Path

import ocfl


def main(source: str, target: str) -> None:
    """Store items below a folder in a new storage root."""
    logging.disable(logging.INFO)
    place = Path(target)
    layout = "0003-hash-and-id-n-tuple-storage-layout"
    root = ocfl.StorageRoot(root=str(place / "root"), layout_name=layout)
    root.initialize()
    for item in sorted(Path(source).iterdir()):
        staged = place / "staged"
        made = ocfl.Object(identifier=f"urn:uuid:{item.name}", fixity=["sha256"])
        said = ocfl.VersionMetadata(
            message="stored",
            name="bench",
            address="urn:giucong:bench",
            created="2026-01-01T00:00:00Z",
        )
        made.create(srcdir=str(item), metadata=said, objdir=str(staged))
        root.add(str(staged))
        shutil.rmtree(staged)


if __name__ == "__main__":
    main(*sys.argv[2:])
