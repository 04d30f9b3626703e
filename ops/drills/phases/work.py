"""What a phase works with: the drill as it stands, the estate, and the drill's own folder."""

from dataclasses import dataclass, field
from pathlib import Path

from backup.progress import Progress
from ops.catalog.open import Catalog
from ops.drills.records import KeptDrill
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.journal.journal import Origin
from ops.sandbox.rehearse import remove_tree


@dataclass(frozen=True, slots=True)
class Paper:
    """What people bring on paper, as files; without any share they are asked to type.

    Attributes:
        shares: Files with the words of a share each.
        typed: The words of a share each, where the runbook has asked for them.
        key_files: Files with scanned or typed key files.
    """

    shares: tuple[str, ...] = ()
    key_files: tuple[str, ...] = ()
    typed: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One phase's surroundings.

    Attributes:
        estate: In force.
        site: Whose drill.
        store: Where the copy comes from.
        catalog: Open.
        origin: Who acts.
        drill: With the phases so far.
        progress: Told of long work.
        paper: Keys from paper.
        path: Of a drill of one file: which, as the catalog tells it; empty: by the lot.
    """

    estate: Estate
    site: Site
    store: Store
    catalog: Catalog
    origin: Origin
    drill: KeptDrill
    progress: Progress
    paper: Paper
    path: str = ""

    @property
    def folder(self) -> Path:
        """The drill's own folder: all it restores, its keys and its servers lie below it."""
        return folder_of(self.estate, self.drill.id)

    @property
    def restored(self) -> Path:
        """Where the snapshot is restored to."""
        return self.folder / "restored"

    @property
    def keys(self) -> Path:
        """Where keys from paper lie while the drill goes on."""
        return self.folder / "keys"


def store_of(estate: Estate, source: str, name: str) -> Store:
    """Give where a drill's copy comes from; without a name the first that comes to mind.

    Of the archive that is its first plain copy, else its backup in the primary store. A plain copy
    is given as a store: it too has a name, a place and a medium.
    """
    copies = estate.archive.copies if estate.archive and source == "archive" else ()
    for copy in copies:
        if name in {"", copy.name}:
            return Store.model_construct(
                name=copy.name, url=str(copy.url), location=copy.location, medium=copy.medium
            )
    return estate.store(name) if name else estate.primary_store


def folder_of(estate: Estate, drill: str) -> Path:
    """Give the folder of a drill, absolute."""
    return estate.drill.workdir.absolute() / drill


def make_folder(path: Path) -> Path:
    """Make an empty folder for its owner alone, in place of what an earlier try left.

    So is the drill's own folder above it: beside this one lie what servers make of the data.
    """
    remove_tree(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.mkdir(mode=0o700)
    return path
