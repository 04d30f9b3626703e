"""Where the content of many files lies, looked up for several folders at once."""

from collections.abc import Sequence

from backup.errors import DamagedError
from backup.format.pack import ID_LENGTH
from backup.format.tree import Node
from backup.restorer.blob_reader import plain_length
from backup.restorer.content import Content
from backup.restorer.orders import Piece


def find_pieces(content: Content, nodes: Sequence[Node]) -> list[tuple[Piece, ...] | DamagedError]:
    """Give the pieces of each file, or why it cannot be put together."""
    pieces = content.look_up(b"".join([node.content or b"" for node in nodes]))
    found: list[tuple[Piece, ...] | DamagedError] = []
    at = 0
    for node in nodes:
        end = at + len(node.content or b"") // ID_LENGTH
        own = pieces[at:end]
        at = end
        found.append(_check(node, own))
    return found


def _check(node: Node, pieces: Sequence[Piece | None]) -> tuple[Piece, ...] | DamagedError:
    if node.content is None:
        return DamagedError("its entry names no content, yet a size of {size}", size=node.size)
    present = tuple(piece for piece in pieces if piece is not None)
    if len(present) < len(pieces):
        lost = pieces.index(None) * ID_LENGTH
        return DamagedError(
            "data blob {id} is not in the index",
            next_step="run repair index; if it stays lost, restore an older snapshot",
            id=node.content[lost : lost + ID_LENGTH].hex()[:8],
        )
    length = plain_length(present[0]) if len(present) == 1 else sum(map(plain_length, present))
    if length != node.size:
        return DamagedError(
            "its content has {length} bytes where its entry says {size}",
            length=length,
            size=node.size,
        )
    return present
