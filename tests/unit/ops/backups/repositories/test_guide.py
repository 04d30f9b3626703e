"""The guide in a store's root: what it says, and that it is written only where it must be."""

from pathlib import Path

from backup.stores.folder import FolderStore
from backup.stores.memory import MemoryStore
from ops.backups.repositories.guide import NAME, put_guide, write_guide
from tests.unit.ops.estate.conftest import Load

SITES = ("so-y-te", "giucong")


def test_it_names_every_site_where_the_key_is_and_no_key(load: Load, tmp_path: Path) -> None:
    estate = load()
    key = tmp_path / "var/keys/repository.key"
    key.parent.mkdir(parents=True)
    key.write_text("hunter2\n")
    text = write_guide(estate, estate.primary_store, str(tmp_path / "var/stores/near"), SITES)

    assert text.index("HƯỚNG DẪN KHÔI PHỤC") < text.index("HOW TO RECOVER")
    for site in ("so-y-te", "giucong"):
        command = f"restic -r ./{site} --password-file KEY restore latest --path /{site}"
        assert text.count(command) == 2
    assert text.count(str(key)) == 2
    assert "hunter2" not in text
    assert "$" not in text


def test_a_password_in_a_stores_address_is_struck_out(load: Load) -> None:
    estate = load()
    place = "s3:https://me:hunter2@s3.example.vn/giucong"

    assert "hunter2" not in write_guide(estate, estate.primary_store, place, SITES)


def test_it_names_what_is_in_the_store_and_nothing_else(load: Load) -> None:
    estate = load()
    text = write_guide(estate, estate.primary_store, "/srv/near", {"giucong", "cong-cu"})

    assert "so-y-te" not in text
    assert text.index("# giucong:") < text.index("# cong-cu\n")
    assert text.count("restic -r ./cong-cu --password-file KEY restore latest") == 2


def test_it_is_written_when_missing_or_changed_and_else_left_alone(tmp_path: Path) -> None:
    for store in (FolderStore(tmp_path), MemoryStore()):
        told = [put_guide(store, text) for text in ("một", "một", "hai")]

        assert told == [True, False, True]
        assert store.read(NAME) == b"hai"
    assert [it.name for it in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o644
