"""Patterns choose what stock restic chooses, when backing up and when restoring."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backup.errors import UsageError
from backup.patterns.markers import decide_marking, parse_marker
from backup.patterns.patterns import Patterns, compile_patterns
from tests.restic_oracle import OracleRepository, create_oracle_repository

FILES = [
    b"a",
    b"ab",
    b"abc.txt",
    b"A",
    b"\xc3\xa9",  # é
    b"\xc3\x89.TXT",  # É
    b"t\xe1\xba\xbf\xe1\xbb\x87",  # tếệ
    b"\xff",
    b"b\xbbb",
    b"a*b",
    b"[a]",
    b"a\\b",
    b"-",
    b"!a",
    b"a\nb",
    b"**",
    b"\xc4\xb0i",  # İ, whose lower form is two characters for Python
]
FOLDERS = [b"", b"a", b"a/b", b"a/b/c", b"c", b"c/a", b"B\xe1\xba\xbe", b"c/a/\xfe\xfe/x"]


@dataclass(frozen=True)
class Tree:
    """A tree on disk and a repository that holds it."""

    root: bytes
    files: tuple[bytes, ...] = field(repr=False)
    folders: tuple[bytes, ...] = field(repr=False)
    repository: OracleRepository = field(repr=False)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    folder: Path = tmp_path_factory.mktemp("p")
    root = os.fsencode(folder / "tree")
    files, folders = [], []
    for name in FOLDERS:
        path = root + b"/" + name if name else root
        Path(os.fsdecode(path)).mkdir(parents=True, exist_ok=True)
        folders.append(path)
        # Which files a folder gets follows from its name, so that the folders differ.
        for number, file_name in enumerate(FILES):
            if (number + len(name)) % 3 or not name:
                file_path = path + b"/" + file_name
                if file_path[len(root) + 1 :] not in FOLDERS:
                    Path(os.fsdecode(file_path)).write_bytes(b"")
                    files.append(file_path)
    folders.append(root + b"/c/a/\xfe\xfe")
    repository = create_oracle_repository(folder / "repository")
    assert repository.run("backup", root).returncode == 0
    return Tree(root, tuple(files), tuple(folders), repository)


def shown(path: bytes) -> str:
    """Write a path as Go writes it in JSON: every stray byte becomes U+FFFD."""
    characters = path.decode("utf-8", "surrogateescape")
    return "".join("\ufffd" if "\udc80" <= sign <= "\udcff" else sign for sign in characters)


def parents(path: bytes) -> Iterator[bytes]:
    """Give the folders above a path, "/" excepted, the outermost first."""
    parts = path.split(b"/")
    return (b"/".join(parts[:end]) for end in range(2, len(parts)))


literal = st.sampled_from([*FILES, b"a", b"b", b"c", b"x", b"B\xe1\xba\xbe", b"\xfe\xfe"])
piece = st.sampled_from(
    [
        b"*",
        b"*",
        b"?",
        b"?",
        b"a",
        b"b",
        b".",
        b"t",
        b"\xe1",
        b"\xba\xbf",
        b"\xc3\xa9",
        b"[a-c]",
        b"[^a]",
        b"[^\xc3\xa9]",
        b"[\xc3\xa0-\xe1\xbb\xb9]",
        b"[a\\]*]",
        b"[!a]",
        b"[\xef\xbf\xbd]",
        b"[z-a]",
        b"[\\-x]",
        b"\\*",
        b"\\a",
        b"]",
        b"\\",
        b"[",
        b"[]",
        b"[a-",
    ]
)
wild = st.lists(piece, min_size=1, max_size=4).map(b"".join)
part = st.one_of(literal, wild, st.sampled_from((b"**", b"*", b"..", b".", b"")))


@st.composite
def pattern_texts(draw: st.DrawFn) -> bytes:
    """Draw a pattern; ROOT stands for the path of the tree."""
    parts = draw(st.lists(part, min_size=1, max_size=4))
    start = draw(
        st.sampled_from((b"", b"", b"ROOT/", b"ROOT/", b"/", b"/**/", b"/*/", b"!", b"!ROOT/"))
    )
    return start + b"/".join(parts) + draw(st.sampled_from((b"", b"", b"", b"/", b"/**")))


pattern_lists = st.lists(pattern_texts(), min_size=1, max_size=4)


def arguments(flag: str, texts: Iterable[bytes]) -> list[bytes]:
    return [argument for text in texts for argument in (flag.encode(), text)]


def try_compile(sensitive: list[bytes], insensitive: list[bytes]) -> Patterns | None:
    try:
        return compile_patterns(sensitive, insensitive)
    except UsageError:
        return None


def is_refused(answer: subprocess.CompletedProcess[bytes]) -> bool:
    return answer.returncode == 1 and b"invalid pattern" in answer.stderr


def has_refused_tail(tree: Tree, text: bytes) -> bool:
    """Say whether restic refuses what stands behind some star of a pattern.

    restic validates a part by matching it with itself and looks no further than the first run that
    does not match; the rest then fails while it works, with a warning. We refuse such patterns.
    """
    return any(
        is_refused(tree.repository.run("backup", "--dry-run", "--exclude", tail, tree.root))
        for tail in text.split(b"*")[1:]
        if tail
    )


def compare_backup(tree: Tree, sensitive: list[bytes], insensitive: list[bytes]) -> None:
    sensitive = [text.replace(b"ROOT", tree.root) for text in sensitive]
    insensitive = [text.replace(b"ROOT", tree.root) for text in insensitive]
    answer = tree.repository.run(
        "backup",
        "--dry-run",
        "--no-lock",
        "--force",
        "-vv",
        "--json",
        *arguments("--exclude", sensitive),
        *arguments("--iexclude", insensitive),
        tree.root,
    )
    patterns = try_compile(sensitive, insensitive)

    if patterns is None:
        assert is_refused(answer) or any(
            has_refused_tail(tree, text) for text in sensitive + insensitive
        )
        return
    assert not is_refused(answer)
    saved = {
        message["item"].removesuffix("/")
        for message in map(json.loads, answer.stdout.splitlines())
        if message.get("action") == "new"
    }
    everything = tree.files + tree.folders
    assert {shown(path) for path in everything} & saved == {
        shown(path)
        for path in everything
        if not any(patterns.match(way) for way in (tree.root, *below_root(tree, path), path))
    }


def below_root(tree: Tree, path: bytes) -> Iterator[bytes]:
    return (parent for parent in parents(path) if len(parent) > len(tree.root))


def compare_restore(tree: Tree, sensitive: list[bytes], insensitive: list[bytes]) -> None:
    sensitive = [text.replace(b"ROOT", tree.root) for text in sensitive]
    insensitive = [text.replace(b"ROOT", tree.root) for text in insensitive]
    answer = tree.repository.run(
        "restore",
        "latest",
        "--dry-run",
        "--no-lock",
        "-vv",
        "--json",
        "--target",
        "/nonexistent",
        *arguments("--include", sensitive),
        *arguments("--iinclude", insensitive),
    )
    patterns = try_compile(sensitive, insensitive)

    if patterns is None:
        assert is_refused(answer) or any(
            has_refused_tail(tree, text) for text in sensitive + insensitive
        )
        return
    assert not is_refused(answer)
    restored = {
        message["item"]
        for message in map(json.loads, answer.stdout.splitlines())
        if message.get("action") == "restored"
    }
    assert {shown(path) for path in tree.files} & restored == {
        shown(path)
        for path in tree.files
        if all(map(patterns.child_match, parents(path))) and patterns.match(path)
    }


both_lists = given(
    sensitive=pattern_lists, insensitive=st.one_of(st.just([]), st.just([]), pattern_lists)
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@both_lists
def test_a_backup_leaves_out_what_restic_leaves_out(
    tree: Tree, sensitive: list[bytes], insensitive: list[bytes]
) -> None:
    compare_backup(tree, sensitive, insensitive)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@both_lists
def test_a_restore_takes_what_restic_takes(
    tree: Tree, sensitive: list[bytes], insensitive: list[bytes]
) -> None:
    compare_restore(tree, sensitive, insensitive)


@pytest.mark.soak
@settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
@both_lists
def test_many_patterns_choose_what_restic_chooses(
    tree: Tree, sensitive: list[bytes], insensitive: list[bytes]
) -> None:
    compare_backup(tree, sensitive, insensitive)
    compare_restore(tree, sensitive, insensitive)


HARD_CASES: dict[str, list[bytes]] = {
    "two ** leave one part for the second": [b"/**/tree/**"],
    "two ** in a row": [b"ROOT/**/**"],
    "two ** around a part": [b"ROOT/**/a/**"],
    "three floating **": [b"**/a/**/a/**"],
    "** alone": [b"**"],
    "the root": [b"/"],
    "** ends a pattern": [b"ROOT/a/**"],
    "** within": [b"ROOT/**/c"],
    "everything but": [b"*", b"!ROOT", b"!ROOT/a"],
    "taken back and matched again": [b"a", b"!a", b"ROOT/a/b"],
    "taken back within an anchored one": [b"ROOT/a/b", b"!ROOT/a/b/c"],
    "a character of two bytes": [b"?"],
    "the second byte of a character": [b"t\xe1??\xe1*"],
    "stray bytes through a class": [b"[\xef\xbf\xbd]"],
    "a run stays where it matched first": [b"*??*\xba\xbf*"],
    "a character is no slash": [b"ROOT/a?b", b"c[^x]a", b"c[.-0]a"],
    "several stars": [b"*b*b*"],
    "cleaned": [b"x/../c//./a/"],
    "above the root": [b"/../../**/abc.txt"],
    "an exclamation mark alone": [b"*", b"!"],
    "an escaped exclamation mark": [b"\\!a"],
    "an escape at the end": [b"a\\"],
    "a slash within a class": [b"[a/b]"],
    "a class that begins with a bracket": [b"[]a]"],
    "a stray byte within a class": [b"[\xff]"],
    "an inverted class of several bytes": [b"[^a-z\xe1\xba\xa0-\xe1\xbb\xb9]*"],
}


@pytest.mark.slow
@pytest.mark.parametrize("texts", HARD_CASES.values(), ids=HARD_CASES.keys())
def test_a_hard_case_is_understood_as_restic_understands_it(tree: Tree, texts: list[bytes]) -> None:
    compare_backup(tree, texts, [])
    compare_restore(tree, texts, [])
    compare_backup(tree, [], texts)
    compare_restore(tree, [], texts)


MARKERS = ("CACHEDIR.TAG:Signature: 8a477f597d28d172789f06886806bc55", ".nobackup", "tag:a")
CONTENTS = (b"Signature: 8a477f597d28d172789f06886806bc55\n", b"Signature: 8a47", b"abc", b"")


@pytest.mark.slow  # a process of its own
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    files=st.dictionaries(
        st.sampled_from((b"CACHEDIR.TAG", b".nobackup", b"tag", b"x")), st.sampled_from(CONTENTS)
    ),
    specifications=st.sets(st.sampled_from(MARKERS)),
)
def test_a_marked_folder_is_saved_as_restic_saves_it(
    tree: Tree, tmp_path: Path, files: dict[bytes, bytes], specifications: set[str]
) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    for name, content in files.items():
        (folder / os.fsdecode(name)).write_bytes(content)
    answer = tree.repository.run(
        "backup",
        "--dry-run",
        "--no-lock",
        "-vv",
        "--json",
        *(f"--exclude-if-present={specification}" for specification in sorted(specifications)),
        str(folder),
    )
    decided = decide_marking(
        [parse_marker(specification) for specification in sorted(specifications)],
        files.keys(),
        lambda name, length: files[name][:length],
    )

    saved = {
        message["item"].removesuffix("/")
        for message in map(json.loads, answer.stdout.splitlines())
        if message.get("action") == "new"
    }
    expected = set(files) & decided.survivors if decided.is_marked else set(files)
    assert {path for path in saved if path.startswith(f"{folder}/")} == {
        f"{folder}/{name.decode()}" for name in expected
    }
    assert str(folder) in saved
