import os
from pathlib import Path

import pytest

from backup.direct_io import BLOCK, DirectWriter


@pytest.mark.parametrize("lead", [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 7])
@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, 5 * BLOCK + 3, 1_500_001])
def test_pieces_lie_one_behind_the_other_and_their_neighbours_stay(
    tmp_path: Path, lead: int, size: int
) -> None:
    content = os.urandom(size)
    path = tmp_path / "file"
    behind = 2 * BLOCK
    path.write_bytes(b"\xaa" * (lead + size + behind))
    pieces = [content[: size // 3], b"", content[size // 3 :]]

    with path.open("r+b") as file:
        DirectWriter().write(file.fileno(), pieces, lead)

    assert path.read_bytes() == b"\xaa" * lead + content + b"\xaa" * behind


def test_one_writer_writes_many_files(tmp_path: Path) -> None:
    writer = DirectWriter()
    contents = [os.urandom(size) for size in (3_000_000, 10, 400_000, 2 * BLOCK)]
    for number, content in enumerate(contents):
        with (tmp_path / str(number)).open("wb") as file:
            writer.write(file.fileno(), [content], 0)

    assert [(tmp_path / str(number)).read_bytes() for number in range(4)] == contents
