"""What is said of a path that a snapshot does not have."""

import pytest

from backup.format.pack import BlobType
from backup.snapshots.walk import PathNotFoundError, TreeReader, find_folder
from tests.small_repository import SmallRepository, folder_node, id_of, tree_of

EMPTY = tree_of([])


@pytest.mark.parametrize(
    ("asked", "below"), [(b"khong/co", "/khong"), (b"/co/khong/", "/co/khong"), (b"k", "/k")]
)
def test_the_whole_path_is_named_and_where_it_ends(asked: bytes, below: str) -> None:
    small = SmallRepository()
    tree = tree_of([folder_node(b"co", id_of(EMPTY))])
    small.add_pack([(BlobType.TREE, it) for it in (tree, EMPTY)])
    small.save_index()
    reader = TreeReader(small.repository, small.repository.load_index())
    with pytest.raises(PathNotFoundError) as missing:
        find_folder(reader, id_of(tree), asked)
    whole = "/" + asked.decode().strip("/")
    assert missing.value.params["path"] == whole
    assert missing.value.params["below"] == below
    assert bool(missing.value.why) == (below != whole)
