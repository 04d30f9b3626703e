"""HUONG-DAN-KHOI-PHUC.txt in every store's root: how to get everything back, for whoever finds it.

It stands in Vietnamese and English whatever the reader's language is, so its two texts are files
beside this module. Stock restic does not mind it: it lies above the repositories.
"""

from collections.abc import Collection, Iterable
from pathlib import Path
from string import Template

from backup.errors import BackupError, ObjectExistsError, ObjectNotFoundError
from backup.stores.base import Store as OpenStore
from backup.stores.folder import FolderStore
from backup.stores.kinds import find_kind, is_remote
from ops.backups.repositories.catalog_index import read_seen
from ops.backups.repositories.stores import open_root
from ops.catalog.open import Catalog
from ops.durable_files import put_anew
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.model.references import reveal
from ops.estate.model.stores import Store
from ops.language.causes import tell_error
from ops.told_text import clean_text

NAME = "HUONG-DAN-KHOI-PHUC.txt"
_LANGUAGES = ("vi", "en")
_ENTER = {
    "folder": {
        "vi": "Vào thư mục chứa tệp này:  cd THƯ-MỤC-NÀY",
        "en": "Go to the folder of this file:  cd THIS-FOLDER",
    },
    "remote": {
        "vi": "Đặt các biến truy cập nơi lưu như tài liệu của restic hướng dẫn.",
        "en": "Set what opens the store, as restic's documentation says.",
    },
}
_FLAGS = {
    "sftp": " --identity ID --known-hosts HOSTS",
    "s3": " --access-key-file ACCESS --secret-key-file SECRET",
}
_MODE = 0o644


def write_guide(estate: Estate, store: Store, place: str, there: Collection[str]) -> str:
    """Give the text for one store, in Vietnamese and then in English.

    Args:
        estate: Names the organisation and the sites.
        store: Which.
        place: Its address, resolved; a password in it is struck out.
        there: Names of the sites whose repositories lie in it, those that the estate no longer
            names included.
    """
    kind = "remote" if is_remote(place) else "folder"
    scheme = found.scheme if (found := find_kind(place)) else ""
    base = clean_text(place) if kind == "remote" else "."
    titles = {it.name: estate.title_at(it.name) for it in (*estate.sites, estate.own_site)}
    names = [it for it in titles if it in there] + sorted(set(there) - set(titles))
    commands = "\n".join(_commands([(it, titles.get(it, "")) for it in names], base)) or "    –"
    parts = []
    for language in _LANGUAGES:
        template = Path(__file__).with_name(f"guide.{language}.txt").read_text(encoding="utf-8")
        parts.append(
            Template(template).substitute(
                organisation=estate.name_at(),
                store=store.name,
                location=store.location,
                key=estate.repository_key(store),
                enter=_ENTER[kind][language],
                commands=commands,
                own=f"{base}/{OWN_SITE}",
                flags=_FLAGS.get(scheme, ""),
            )
        )
    return "\n\n".join(parts)


def _commands(sites: Iterable[tuple[str, str]], base: str) -> Iterable[str]:
    for name, title in sites:
        yield f"  # {name}: {title}".rstrip(": ")
        yield (
            f"    restic -r {base}/{name} --password-file KEY"
            f" restore latest --path /{name} --target DIR"
        )


def put_guide(root: OpenStore, text: str) -> bool:
    """Write the guide into a store's root where it is missing or says something else.

    Returns:
        Whether it was written.

    Raises:
        StoreError, OSError: The store failed.
    """
    data = text.encode()
    try:
        if root.read(NAME) == data:
            return False
    except ObjectNotFoundError:
        pass
    if isinstance(root, FolderStore):
        put_anew(Path(root.location) / NAME, data, _MODE)
        return True
    _write_anew(root, data)
    return True


def _write_anew(root: OpenStore, data: bytes) -> None:
    """Replace it in a store whose objects are written once; cut off, the next run writes it."""
    try:
        root.write(NAME, data)
    except ObjectExistsError:
        root.delete(NAME)
        root.write(NAME, data)


def put_guides(estate: Estate, catalog: Catalog) -> dict[str, str]:
    """Give every store the guide for recovery; it names what was seen there.

    Returns:
        Why each store that has none could not be reached.
    """
    failed = {}
    with catalog.reading() as session:
        seen = read_seen(session)
    for store in estate.stores:
        there = {site for site, name in seen if name == store.name}
        try:
            put_guide(
                open_root(estate, store), write_guide(estate, store, reveal(store.url), there)
            )
        except (BackupError, OpsError, OSError) as error:
            failed[store.name] = tell_error(error)
    return failed
