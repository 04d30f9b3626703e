"""An inventory held against the rules of OCFL 1.0 and 1.1 that need no other file. Pure.

Unlike `archive.ocfl.inventory`, which reads what we write, this reads whatever somebody wrote and
says everything that is wrong with it. Work grows with the bytes of the inventory only.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from archive.ocfl.findings import Findings

ALGORITHMS = {"sha512": "sha512", "sha256": "sha256"}
FIXITY_ALGORITHMS = {
    "md5": "md5",
    "sha1": "sha1",
    "sha256": "sha256",
    "sha512": "sha512",
    "sha512/256": "sha512_256",
    "blake2b-512": "blake2b",
}
"""Name in an inventory → name for `hashlib`, of those whose digests are held against the bytes."""

_KNOWN_ONLY = {"blake2b-160", "blake2b-256", "blake2b-384", "size", "crc32"}
_TYPE = re.compile(r"https://ocfl\.io/(1\.[01])/spec/#inventory")
_VERSION = re.compile(r"v(0*)([1-9][0-9]{0,8})")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_KEYS = {
    "id", "type", "digestAlgorithm", "head", "contentDirectory", "manifest", "versions", "fixity",
}  # fmt: skip
_NO_NAMES = {"", ".", ".."}


@dataclass(slots=True)
class Judged:
    """What can be used of an inventory; empty where it is wrong.

    Attributes:
        id, head: As it has them.
        spec: `1.1`.
        algorithm: Of its digests.
        content: Name of the content folders.
        manifest: Content path → digest, lower-case.
        states: Version → logical path → digest, lower-case.
        told: Version → created, message and user as they stand.
        fixity: (algorithm, content path) → digest, lower-case.
    """

    id: str = ""
    head: str = ""
    spec: str = ""
    algorithm: str = ""
    content: str = "content"
    manifest: dict[str, str] = field(default_factory=dict)
    states: dict[str, dict[str, str]] = field(default_factory=dict)
    told: dict[str, tuple[Any, Any, Any]] = field(default_factory=dict)
    fixity: dict[tuple[str, str], str] = field(default_factory=dict)


def version_number(name: str) -> int:
    """Give the number of a version folder's name; 0 if it is none."""
    found = _VERSION.fullmatch(name)
    return int(found[2]) if found else 0


def judge_inventory(data: bytes, where: str, findings: Findings) -> Judged | None:
    """Hold an inventory against the rules.

    Args:
        data: The file.
        where: Its path, for the findings.
        findings: Gets what is wrong.

    Returns:
        What can be used of it; None if it is no JSON object.
    """
    try:
        block = json.loads(
            data.decode(), object_pairs_hook=_without_twins, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        findings.add("E033", where, error)
        return None
    if not isinstance(block, dict):
        findings.add("E033", where, "no object")
        return None
    return _Judge(block, where, findings).judge()


class _Judge:
    def __init__(self, block: dict[str, Any], where: str, findings: Findings) -> None:
        self._block, self._where, self._findings = block, where, findings
        self._judged = Judged()

    def judge(self) -> Judged:
        for key in sorted({"id", "type", "digestAlgorithm", "head"} - self._block.keys()):
            self._add("E036", key)
        for key in sorted(self._block.keys() - _KEYS):
            self._add("E102", key)
        self._judge_head()
        self._judge_content_folder()
        digests = self._judge_manifest()
        self._judge_versions(digests)
        self._judge_fixity()
        return self._judged

    def _add(self, code: str, about: object = "") -> None:
        self._findings.add(code, self._where, about)

    def _judge_head(self) -> None:
        block, judged = self._block, self._judged
        if (name := block.get("id")) is not None:
            if not isinstance(name, str) or not name:
                self._add("E037", "id")
            else:
                judged.id = name
                if not _URI.fullmatch(name):
                    self._add("W005", name)
        if (kind := block.get("type")) is not None:
            found = _TYPE.fullmatch(kind) if isinstance(kind, str) else None
            if found:
                judged.spec = found[1]
            else:
                self._add("E038", kind)
        self._judge_algorithm()

    def _judge_algorithm(self) -> None:
        algorithm = self._block.get("digestAlgorithm")
        if algorithm is not None:
            if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
                self._add("E025", algorithm)
            else:
                self._judged.algorithm = algorithm
                if algorithm != "sha512":
                    self._add("W004", algorithm)

    def _judge_content_folder(self) -> None:
        name = self._block.get("contentDirectory", "content")
        if not isinstance(name, str) or not name or "/" in name:
            self._add("E017", name)
        elif name in _NO_NAMES:
            self._add("E018", name)
        else:
            self._judged.content = name

    def _judge_manifest(self) -> set[str]:
        """Gives the digests as they stand: a state must name them letter by letter."""
        manifest = self._block.get("manifest")
        if manifest is None:
            self._add("E041", "manifest")
            return set()
        if not isinstance(manifest, dict):
            self._add("E106")
            return set()
        for digest, path in self._paths_of(manifest, "E096"):
            self._judged.manifest[path] = digest
        return set(manifest)

    def _paths_of(self, block: Mapping[str, Any], twin_code: str) -> Iterator[tuple[str, str]]:
        """Give (digest, content path) of a manifest or of one algorithm's fixity."""
        seen: set[str] = set()
        paths: list[str] = []
        for key, values in block.items():
            digest = key.lower()
            if digest in seen:
                self._add(twin_code, key)
            seen.add(digest)
            if not _is_texts(values):
                self._add("E092" if twin_code == "E096" else "E057", key)
                continue
            for path in values:
                paths.append(path)
                if self._is_content_path(path):
                    yield digest, path
        for path in _conflicts(paths):
            self._add("E101", path)

    def _is_content_path(self, path: str) -> bool:
        if path.startswith("/") or path.endswith("/"):
            self._add("E100", path)
            return False
        parts = path.split("/")
        if not _NO_NAMES.isdisjoint(parts):
            self._add("E099", path)
            return False
        if len(parts) < 3 or not version_number(parts[0]):  # noqa: PLR2004 - version, content, name
            self._add("E042", path)
            return False
        return True

    def _judge_versions(self, digests: set[str]) -> None:
        versions = self._block.get("versions")
        if not isinstance(versions, dict):
            self._add("E043" if versions is None else "E044")
            return
        if not versions:
            self._add("E008")
        for code, about in judge_names(versions):
            self._add(code, about)
        self._judge_newest(versions)
        used: set[str] = set()
        for name, block in versions.items():
            if not isinstance(block, dict):
                self._add("E047", name)
                continue
            self._judge_words(name, block)
            used |= self._judge_state(name, block, digests)
        for digest in digests - used:
            self._add("E107", digest)

    def _judge_newest(self, versions: Mapping[str, Any]) -> None:
        head = self._block.get("head")
        if head is None:
            return
        newest = max(versions, key=version_number, default="")
        if not isinstance(head, str) or head != newest:
            self._add("E040", head)
        else:
            self._judged.head = head

    def _judge_words(self, name: str, block: Mapping[str, Any]) -> None:
        created, message, user = (block.get(key) for key in ("created", "message", "user"))
        self._judged.told[name] = (created, message, user)
        if "created" not in block or "state" not in block:
            self._add("E048", name)
        if "created" in block and not _is_moment(created):
            self._add("E049", created)
        if message is not None and not isinstance(message, str):
            self._add("E094", name)
        if message is None or user is None:
            self._add("W007", name)
        if user is not None:
            self._judge_user(name, user)

    def _judge_user(self, name: str, user: object) -> None:
        if not isinstance(user, dict) or not isinstance(user.get("name"), str) or not user["name"]:
            self._add("E054", name)
        elif "address" not in user:
            self._add("W008", name)
        elif not isinstance(user["address"], str) or not _URI.fullmatch(user["address"]):
            self._add("W009", user["address"])

    def _judge_state(self, name: str, block: Mapping[str, Any], digests: set[str]) -> set[str]:
        """Gives the digests that the state uses."""
        state = block.get("state", {})
        if not isinstance(state, dict):
            self._add("E050", name)
            return set()
        for digest in state.keys() - digests:
            self._add("E050", f"{name} {digest}")
        logical: list[str] = []
        kept = self._judged.states.setdefault(name, {})
        for digest, paths in state.items():
            if not _is_texts(paths):
                self._add("E051", name)
                continue
            lower = digest.lower()
            for path in paths:
                logical.append(path)
                kept[path] = lower
                self._judge_logical(path)
        for path in _conflicts(logical):
            self._add("E095", path)
        return set(state)

    def _judge_logical(self, path: str) -> None:
        if path.startswith("/") or path.endswith("/"):
            self._add("E053", path)
        if not _NO_NAMES.isdisjoint(path.split("/")):
            self._add("E052", path)

    def _judge_fixity(self) -> None:
        fixity = self._block.get("fixity", {})
        if not isinstance(fixity, dict):
            self._add("E111")
            return
        for algorithm, block in fixity.items():
            if algorithm not in FIXITY_ALGORITHMS and algorithm not in _KNOWN_ONLY:
                self._add("E056", algorithm)
            elif not isinstance(block, dict):
                self._add("E057", algorithm)
            else:
                for digest, path in self._paths_of(block, "E097"):
                    self._judged.fixity[algorithm, path] = digest


def is_same_state(
    root: Judged, judged: Judged, now: Mapping[str, str], then: Mapping[str, str]
) -> bool:
    """Say whether a version holds the same files in both inventories, whatever the algorithms."""
    if root.algorithm == judged.algorithm:
        return now == then
    if now.keys() != then.keys():
        return False
    places: dict[str, list[str]] = {}
    for path, digest in judged.manifest.items():
        places.setdefault(digest, []).append(path)
    return all(
        any(root.manifest.get(path) == now[logical] for path in places.get(digest, []))
        for logical, digest in then.items()
    )


def judge_names(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give what is wrong with the names of an object's versions: code and name."""
    numbers, widths = set(), set()
    for name in names:
        found = _VERSION.fullmatch(name)
        if not found:
            yield "E046", name
            continue
        numbers.add(int(found[2]))
        widths.add(len(name) - 1 if found[1] else 0)
        if found[1]:
            yield "W001", name
    if numbers and min(numbers) != 1:
        yield "E009", str(min(numbers))
    if numbers and max(numbers) != len(numbers):
        yield "E010", f"{len(numbers)} of {max(numbers)}"
    if len(widths) > 1:
        # Numbers without a leading zero among padded ones, and padded ones of several lengths.
        yield from (("E011", ""), ("E013", "")) if 0 in widths else (("E012", ""),)


def _is_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(it, str) for it in values)


def _is_moment(value: object) -> bool:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return value[17:19] == "60"  # a leap second
    return True


def _conflicts(paths: list[str]) -> Iterator[str]:
    """Give paths that are there twice, or that are a folder of another."""
    ordered = sorted(f"{path}/" for path in paths)
    for before, after in pairwise(ordered):
        if after.startswith(before):
            yield before[:-1]


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    block = dict(pairs)
    if len(block) != len(pairs):
        raise ValueError("a key is there twice")
    return block


def _no_constant(name: str) -> None:
    raise ValueError(name)
