"""Where things lie inside the sandbox."""

from pathlib import Path

ROOM = "/drill/room"
"""The drill's own folder: restored data, only read; its parent keeps other accounts out."""

WORKSHOP = "/rehearsal"
"""Where the private servers work."""

OVERLAYS = "/overlays"
"""What the site writes over its restored files; in memory, gone with the sandbox."""

WORKSHOP_BELOW = "rehearsal"
"""The folder of a rehearsal, below the drill's own."""

MADE_BELOW = f"{WORKSHOP_BELOW}/made"
"""Where outside lies what was made in the workshop."""


def inside(path: str, work: str) -> str:
    """Give the place inside of what lies below the drill's folder outside.

    Raises:
        ValueError: It does not lie there.
    """
    return str(Path(ROOM) / Path(path).relative_to(work))
