"""Validate one OCFL object, of 1.0 or 1.1, whoever wrote it: every rule, every byte.

Whatever is in the folder is hostile: nothing is opened that a walk of the folder did not find as a
plain file; links are not followed; inventories are bounded, folders are bounded in depth, findings
in number. Time grows with the bytes that lie there. A file that the disk cannot give is a finding;
a file that this process may not read is an error of its own, as it says nothing of the bytes.
"""

import errno
import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from archive.errors import ArchiveError
from archive.ocfl.findings import Finding, Findings
from archive.ocfl.inventory import INVENTORY, LARGEST
from archive.ocfl.layout import KNOWN_EXTENSIONS
from archive.ocfl.validate_inventory import (
    ALGORITHMS,
    FIXITY_ALGORITHMS,
    Judged,
    is_same_state,
    judge_inventory,
    version_number,
)

_DECLARED = "0=ocfl_object_"
_SPECS = ("1.0", "1.1")
_SMALL = 4096
_PIECE = 128 << 10
_DEEPEST = 100
_VERSION_FILES = {INVENTORY, *(f"{INVENTORY}.{it}" for it in ALGORITHMS)}
_MOST_WANTED = 1_000_000  # digests of older inventories beside those of the newest
_GONE_BAD = {
    errno.EIO, errno.EUCLEAN, errno.EBADMSG, errno.EREMOTEIO, errno.ENOENT, errno.ENOTDIR,
    errno.ELOOP, errno.ENXIO, errno.EISDIR,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is true of an object.

    Attributes:
        path: Its folder.
        object_id, head: As its root inventory says; empty if it cannot be used.
        inventory: SHA-512 of the root inventory; empty if there is none.
        findings: What is wrong.
        files, size: Files and bytes that were read.
        newest: Highest number of a version's folder.
    """

    path: str
    object_id: str
    head: str
    inventory: str
    findings: tuple[Finding, ...]
    files: int
    size: int
    newest: int = 0

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Broken MUSTs."""
        return tuple(it for it in self.findings if it.is_error)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Broken SHOULDs."""
        return tuple(it for it in self.findings if not it.is_error)

    @property
    def is_valid(self) -> bool:
        """Whether no MUST is broken."""
        return not self.errors


def validate_object(folder: Path, *, with_fixity: bool = True, from_disk: bool = False) -> Verdict:
    """Hold an object against every rule, and every byte of it against its digests.

    Args:
        folder: Of the object.
        with_fixity: Whether digests of the fixity block are computed too. They prove nothing that
            those of the manifest do not, and cost half as much again.
        from_disk: Whether the kernel shall forget what it has of each file first, so that the disk
            is read and not its memory of what was written.

    Raises:
        ArchiveError: A file may not be read by this process, or another failure that says nothing
            of the object.
    """
    examination = _Examination(os.fspath(folder), with_fixity=with_fixity, from_disk=from_disk)
    try:
        examination.examine()
    except OSError as error:
        raise ArchiveError(
            "the object at {path} could not be read",
            why="{reason}",
            data="nothing was changed; nothing is known of it",
            next_step="run it as the user that owns the archive",
            path=folder,
            reason=error.strerror or str(error),
        ) from error
    root = examination.root
    return Verdict(
        os.fspath(folder),
        root.id if root else "",
        root.head if root else "",
        examination.inventory,
        tuple(examination.findings),
        examination.count,
        examination.size,
        examination.newest,
    )


class _Examination:
    """One object being looked at.

    Attributes:
        root: Its root inventory.
        inventory: SHA-512 of that.
        count, size: Files and bytes read so far.
        newest: Highest number of a version's folder.
    """

    def __init__(self, folder: str, *, with_fixity: bool, from_disk: bool) -> None:
        self.findings = Findings()
        self.root: Judged | None = None
        self.inventory = ""
        self.count = self.size = self.newest = 0
        self._folder, self._with_fixity, self._from_disk = folder, with_fixity, from_disk
        self._names: dict[str, str] = {}
        # Content path → (algorithm, digest) → code and inventory that says so.
        self._wanted: dict[str, dict[tuple[str, str], tuple[str, str]]] = {}

    def examine(self) -> None:
        if os.path.islink(self._folder):  # noqa: PTH114 - a plain text everywhere here
            self.findings.add("E090", "")
        self._names = self._list("")
        spec = self._examine_declaration()
        data = self._read_inventory("", self._names)
        if data is None:
            self.findings.add("E063", INVENTORY)
        else:
            self.inventory = hashlib.sha512(data).hexdigest()
            self.root = judge_inventory(data, INVENTORY, self.findings)
        root = self.root or Judged()
        if root.spec and spec and root.spec != spec:
            self.findings.add("E038", INVENTORY, root.spec)
        self._examine_names(root)
        versions = sorted(
            (it for it, kind in self._names.items() if kind == "folder" and version_number(it)),
            key=version_number,
        )
        self.newest = version_number(versions[-1]) if versions else 0
        if self.root:
            self._want(root, INVENTORY, {})
            self._compare_names(root, versions)
        self._examine_versions(root, versions, data)

    def _list(self, path: str, depth: int = 0) -> dict[str, str]:
        """Give what is in a folder, name → `file`, `folder`; the rest is told."""
        names = {}
        if depth > _DEEPEST:
            self.findings.add("E089", path, "too deep")
            return {}
        try:
            with os.scandir(f"{self._folder}/{path}") as entries:
                for entry in entries:
                    place = f"{path}/{entry.name}" if path else entry.name
                    if entry.is_file(follow_symlinks=False):
                        names[entry.name] = "file"
                    elif entry.is_dir(follow_symlinks=False):
                        names[entry.name] = "folder"
                    else:
                        self.findings.add("E090" if entry.is_symlink() else "E089", place)
        except OSError as error:
            self._tell_of(error, "E092", path)
        return names

    def _tell_of(self, error: OSError, code: str, path: str) -> None:
        if error.errno not in _GONE_BAD:
            raise error
        self.findings.add(code, path, error.strerror)

    def _read(self, path: str, limit: int) -> bytes | None:
        """Give a small file; None when it is gone, too long or cannot be read."""
        try:
            pieces = list(self._pieces(path, limit + 1))
        except OSError as error:
            self._tell_of(error, "E092", path)
            return None
        data = b"".join(pieces)
        if len(data) > limit:
            self.findings.add("E034", path, f"more than {limit} bytes")
            return None
        return data

    def _pieces(self, path: str, limit: int = 1 << 62) -> Iterator[bytes]:
        handle = os.open(
            f"{self._folder}/{path}",
            os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
        )
        self.count += 1
        try:
            if self._from_disk:
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            while limit > 0:
                asked = min(_PIECE, limit)
                data = os.read(handle, asked)
                self.size += len(data)
                limit -= len(data)
                yield data
                if len(data) < asked:  # the end of a plain file
                    break
        finally:
            os.close(handle)

    def _examine_declaration(self) -> str:
        """Gives the version of the specification that the object declares."""
        declared = [name for name in self._names if name.startswith("0=")]
        if len(declared) != 1:
            self.findings.add("E003", "", f"{len(declared)} declarations")
            return ""
        (name,) = declared
        spec = name.removeprefix(_DECLARED)
        if spec not in _SPECS:
            self.findings.add("E006", name)
            return ""
        if self._names[name] != "file" or self._read(name, _SMALL) != f"{name[2:]}\n".encode():
            self.findings.add("E007", name)
        return spec

    def _examine_names(self, root: Judged) -> None:
        """Tell of what does not belong into the folder of an object."""
        sidecar = f"{INVENTORY}.{root.algorithm}" if root.algorithm else f"{INVENTORY}."
        for name, kind in self._names.items():
            is_sidecar = name.startswith(sidecar) if not root.algorithm else name == sidecar
            if kind == "file":
                is_ours = name == INVENTORY or is_sidecar or name.startswith("0=")
            else:
                is_ours = version_number(name) > 0 or name in {"logs", "extensions"}
            if not is_ours:
                self.findings.add("E001", name)
        if self._names.get("extensions") == "folder":
            for name, kind in self._list("extensions").items():
                if kind == "file":
                    self.findings.add("E067", f"extensions/{name}")
                elif name not in KNOWN_EXTENSIONS:
                    self.findings.add("W013", f"extensions/{name}")

    def _compare_names(self, root: Judged, versions: Collection[str]) -> None:
        known, there = set(root.told) | set(root.states), set(versions)
        for name in there - known:
            self.findings.add("E046", name, "not in the inventory")
        for name in known - there:
            self.findings.add("E046", name, "no folder")
            self.findings.add("E010", name)

    def _read_inventory(self, folder: str, names: Mapping[str, str]) -> bytes | None:
        """Give an inventory, held against its sidecar."""
        if names.get(INVENTORY) != "file":
            return None
        path = f"{folder}{INVENTORY}"
        data = self._read(path, LARGEST)
        sidecars = [it for it in names if it.startswith(f"{INVENTORY}.") and names[it] == "file"]
        if not any(name.endswith(tuple(ALGORITHMS)) for name in sidecars):
            self.findings.add("E058", path)
        for name in sidecars:
            algorithm = name.removeprefix(f"{INVENTORY}.")
            words = (self._read(f"{folder}{name}", _SMALL) or b"").split()
            if len(words) != 2 or words[1] != INVENTORY.encode():  # noqa: PLR2004 - digest, name
                self.findings.add("E061", f"{folder}{name}")
            elif data is not None and algorithm in FIXITY_ALGORITHMS:
                digest = hashlib.new(FIXITY_ALGORITHMS[algorithm], data, usedforsecurity=False)
                if digest.hexdigest().encode() != words[0].lower():
                    self.findings.add("E060", path)
        return data

    def _examine_versions(self, root: Judged, versions: list[str], root_data: bytes | None) -> None:
        files: set[str] = set()
        before: Judged | None = None
        for name in versions:
            names = self._list(name)
            found = self._walk_content(name, names, root.content)
            files.update(found)
            data = self._read_inventory(f"{name}/", names)
            if data is None:
                self.findings.add("W010", name)
                continue
            is_head = name == (root.head or versions[-1])
            if is_head and data != root_data:
                self.findings.add("E064", f"{name}/{INVENTORY}")
            if is_head and data == root_data:
                continue
            judged = judge_inventory(data, f"{name}/{INVENTORY}", self.findings)
            if judged and self.root:
                self._compare(root, judged, name, len(files))
                if before and before.spec > judged.spec:
                    self.findings.add("E103", f"{name}/{INVENTORY}", judged.spec)
                before = judged
        self._examine_content(files)

    def _walk_content(self, version: str, names: Mapping[str, str], content: str) -> list[str]:
        for name, kind in names.items():
            if kind == "file" and name not in _VERSION_FILES:
                self.findings.add("E015", f"{version}/{name}")
            if kind == "folder" and name != content:
                self.findings.add("W002", f"{version}/{name}")
        return self._walk(f"{version}/{content}") if names.get(content) == "folder" else []

    def _walk(self, content: str) -> list[str]:
        found: list[str] = []
        folders = [(content, 0)]
        while folders:
            path, depth = folders.pop()
            inside = self._list(path, depth)
            if not inside:
                self.findings.add("W003" if not depth else "E024", path)
            for name, kind in inside.items():
                if kind == "file":
                    found.append(f"{path}/{name}")
                else:
                    folders.append((f"{path}/{name}", depth + 1))
        return found

    def _want(self, judged: Judged, where: str, known: Mapping[str, str]) -> None:
        """Note which digests an inventory says content has, beside those known already."""
        if judged.algorithm:
            for path, digest in judged.manifest.items():
                if known.get(path) != digest:
                    wanted = self._wanted.setdefault(path, {})
                    wanted.setdefault((judged.algorithm, digest), ("E092", where))
        for (algorithm, path), digest in judged.fixity.items():
            is_wanted = self._with_fixity or path not in judged.manifest
            if is_wanted and algorithm in FIXITY_ALGORITHMS:
                wanted = self._wanted.setdefault(path, {})
                wanted.setdefault((algorithm, digest), ("E093", where))

    def _compare(self, root: Judged, judged: Judged, name: str, files: int) -> None:
        """Hold the inventory of a version against that of the object."""
        where = f"{name}/{INVENTORY}"
        if judged.id != root.id:
            self.findings.add("E037", where, judged.id)
        if judged.content != root.content:
            self.findings.add("E019", where, judged.content)
        if judged.head != name:
            self.findings.add("E040", where, judged.head)
        same = judged.algorithm == root.algorithm
        if len(self._wanted) < _MOST_WANTED + len(root.manifest):
            self._want(judged, where, root.manifest if same else {})
        else:
            self.findings.add("E034", where, "more digests than are looked at")
        if len(judged.manifest) < files:
            self.findings.add("E023", where, f"{files - len(judged.manifest)} files not in it")
        self._compare_states(root, judged, where)

    def _compare_states(self, root: Judged, judged: Judged, where: str) -> None:
        for version, state in judged.states.items():
            if not is_same_state(root, judged, root.states.get(version, {}), state):
                self.findings.add("E066", where, version)
            if judged.told.get(version) != root.told.get(version):
                self.findings.add("W011", where, version)

    def _examine_content(self, files: set[str]) -> None:
        for path in sorted(files):
            wanted = self._wanted.pop(path, None)
            if self.root and path not in self.root.manifest:
                self.findings.add("E023", path)
            if wanted:
                self._hold_against(path, wanted)
        for path, missing in self._wanted.items():
            for code, where in missing.values():
                self.findings.add(code, path, f"missing; {where}")

    def _hold_against(self, path: str, wanted: Mapping[tuple[str, str], tuple[str, str]]) -> None:
        digests = {
            algorithm: hashlib.new(FIXITY_ALGORITHMS[algorithm], usedforsecurity=False)
            for algorithm, _digest in wanted
        }
        try:
            for data in self._pieces(path):
                for digest in digests.values():
                    digest.update(data)
        except OSError as error:
            self._tell_of(error, "E092", path)
            return
        for (algorithm, expected), (code, where) in wanted.items():
            if digests[algorithm].hexdigest() != expected:
                self.findings.add(code, path, f"{algorithm}; {where}")
