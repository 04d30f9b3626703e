"""What the reading verbs print is what restic 0.18 prints for the same repository."""

import io
import json
import resource
import tarfile
import zipfile

import pytest

from tests.command_line import read_documents, run_ours
from tests.integration.commands.conftest import BIG
from tests.restic_oracle import OracleRepository

# Words of one command line; {0}, {1}, {2} stand for the ids of the snapshots, oldest first.
SAME_TEXT = [
    "snapshots",
    "snapshots --compact",
    "snapshots --latest 1",
    "snapshots --host h1",
    "snapshots --tag eins,zwei --tag drei",
    "snapshots --tag eins,drei",
    "snapshots {1}",
    "snapshots latest --host h1",
    "ls -q {0}",
    "ls -q -l {0}",
    "ls -q -l --human-readable {0}",
    "ls -q {0} /src/a",
    "ls -q {0} /src/a /src/sticky --recursive",
    "ls -q {0} /",
    "ls -q {0}:src/a",
    "ls -q {0}:/src/a/",
    "ls -q -s size --reverse {0}",
    "ls -q -s extension {0}",
    "ls -q latest --tag drei",
    "find one.txt",
    "find -l b*",
    "find -i ONE.TXT -s {0}",
    "find -R src/a -O 2020-01-01",
    "find one.txt -N 2020-01-01",
    "find /src/a/*",
    "find nothing-like-this",
    "diff {0} {1}",
    "diff --metadata {0} {1}",
    "diff {0}:src/a {2}:src/a",
    "diff {1} {1}",
    "dump {0} /src/a/one.txt",
    "dump {0}:src/a one.txt",
    "dump latest:src/a/b /big.bin",
    "stats",
    "stats --mode files-by-contents",
    "stats --mode blobs-per-file",
    "stats --mode raw-data",
    "stats latest --mode raw-data",
    "cat config",
    "cat masterkey",
    "cat snapshot {0}",
    "cat tree {0}:src/a",
    "key list",
]  # fmt: skip
SAME_JSON = [
    "snapshots --json",
    "snapshots --json --host nobody",
    "ls --json {0}",
    "ls --json {0} /src/a",
    "find --json one.txt big.bin",
    "find --json nothing-like-this",
    "diff --json {0} {1}",
    "stats --json",
    "stats --json --mode files-by-contents",
    "stats --json --mode blobs-per-file {0}",
    "stats --json --mode raw-data",
    "key list --json",
]


@pytest.mark.parametrize("line", SAME_TEXT)
def test_prints_the_very_text_of_restic(
    line: str, repository: OracleRepository, ids: list[str]
) -> None:
    words = ["--no-lock", *line.format(*ids).split()]

    ours = run_ours(*words, repository=repository.folder)
    theirs = repository.run(*words)

    assert ours.text == theirs.stdout.decode("utf-8", "surrogateescape")
    assert ours.code == theirs.returncode == 0


@pytest.mark.parametrize("line", SAME_JSON)
def test_prints_the_same_documents_as_restic(
    line: str, repository: OracleRepository, ids: list[str]
) -> None:
    words = ["--no-lock", *line.format(*ids).split()]

    ours = run_ours(*words, repository=repository.folder)
    theirs = repository.run(*words)

    assert ours.documents() == read_documents(theirs.stdout)


@pytest.mark.parametrize("grouping", ["host", "host,paths", "tags"])
def test_groups_hold_the_same_snapshots_in_a_steady_order(
    grouping: str, repository: OracleRepository
) -> None:
    words = ["--no-lock", "snapshots", "--json", "--group-by", grouping]

    (ours,) = run_ours(*words, repository=repository.folder).documents()
    (theirs,) = read_documents(repository.run(*words).stdout)

    assert sorted(map(json.dumps, ours)) == sorted(map(json.dumps, theirs))


def test_finds_blobs_trees_and_packs_as_restic_does(
    repository: OracleRepository, ids: list[str]
) -> None:
    tree = json.loads(repository.run("--no-lock", "cat", "tree", f"{ids[0]}:src").stdout)
    nodes = {node["name"]: node for node in tree["nodes"]}
    blob = nodes["link"].get("content") or nodes["new\\nline"]["content"][0]
    for words in (["--blob", blob], ["--tree", nodes["a"]["subtree"]]):
        line = ["--no-lock", "find", "--json", *words]
        ours = run_ours(*line, repository=repository.folder).documents()
        assert ours == read_documents(repository.run(*line).stdout)
        assert ours[0]
    shown = ["--no-lock", "find", "--show-pack-id", "--blob", blob]
    ours_text = run_ours(*shown, repository=repository.folder).text
    assert ours_text == repository.run(*shown).stdout.decode()
    pack = ours_text.split("belongs to pack ")[1][:64]
    by_pack = ["--no-lock", "find", "--json", "--pack", pack]
    assert run_ours(*by_pack, repository=repository.folder).documents() == read_documents(
        repository.run(*by_pack).stdout
    )


@pytest.mark.parametrize("kind", ["index", "keys", "pack"])
def test_prints_files_of_the_repository_by_the_beginning_of_their_id(
    kind: str, repository: OracleRepository
) -> None:
    folder = {"pack": "data"}.get(kind, kind)
    name = min(path.name for path in (repository.folder / folder).rglob("*") if path.is_file())
    word = {"keys": "key"}.get(kind, kind)

    ours = run_ours("--no-lock", "cat", word, name[:10], repository=repository.folder)

    assert ours.stdout == repository.run("--no-lock", "cat", word, name).stdout
    assert ours.stdout


def test_a_folder_is_dumped_as_a_tar_with_everything_in_it(
    repository: OracleRepository, ids: list[str]
) -> None:
    ours = run_ours("--no-lock", "dump", ids[0], "/src", repository=repository.folder)

    with tarfile.open(fileobj=io.BytesIO(ours.stdout), errors="surrogateescape") as archive:
        members = {member.name: member for member in archive}
        big = archive.extractfile("src/a/b/big.bin")
        assert big is not None
        assert big.read() == BIG
    assert {name: member.type for name, member in members.items()} == {
        "src/Tiếng Việt <&>.txt": tarfile.REGTYPE,
        "src/a": tarfile.DIRTYPE,
        "src/a/b": tarfile.DIRTYPE,
        "src/a/b/big.bin": tarfile.REGTYPE,
        "src/a/hard.txt": tarfile.REGTYPE,
        "src/a/one.txt": tarfile.LNKTYPE,
        "src/bad\udcff": tarfile.REGTYPE,
        "src/c d": tarfile.DIRTYPE,
        "src/c d/empty": tarfile.REGTYPE,
        "src/link": tarfile.SYMTYPE,
        "src/new\nline": tarfile.REGTYPE,
        "src/pipe": tarfile.FIFOTYPE,
        "src/sticky": tarfile.DIRTYPE,
    }
    assert members["src/a/hard.txt"].mode == 0o4755
    assert members["src/a/one.txt"].linkname == "src/a/hard.txt"
    assert members["src/link"].linkname == "../a/one.txt"
    assert members["src/a/hard.txt"].pax_headers["SCHILY.xattr.user.note"] == "v\udcff"


def test_a_folder_is_dumped_as_a_zip_with_the_same_content_as_restics(
    repository: OracleRepository, ids: list[str]
) -> None:
    words = ["--no-lock", "dump", "--archive", "zip", ids[0], "/src/a"]
    ours, theirs = (
        zipfile.ZipFile(io.BytesIO(stdout))
        for stdout in (
            run_ours(*words, repository=repository.folder).stdout,
            repository.run(*words).stdout,
        )
    )

    assert [(it.filename, it.CRC, it.external_attr >> 16 & 0o777) for it in ours.infolist()] == [
        (it.filename, it.CRC, it.external_attr >> 16 & 0o777) for it in theirs.infolist()
    ]


def test_a_dump_into_a_file_appears_only_when_it_is_whole(
    own: OracleRepository, ids: list[str]
) -> None:
    target = own.folder.parent / "big"
    run = run_ours("dump", ids[0], "/src/a/b/big.bin", "-t", str(target), repository=own.folder)
    assert (run.code, target.read_bytes()) == (0, BIG)
    for pack in (own.folder / "data").rglob("*"):
        if pack.is_file() and pack.stat().st_size > len(BIG) // 4:
            pack.chmod(0o600)
            pack.write_bytes(bytes(pack.stat().st_size))
    target.unlink()

    damaged = run_ours("dump", ids[0], "/src/a/b/big.bin", "-t", str(target), repository=own.folder)

    assert damaged.code == 1
    assert not target.exists()


def test_a_dump_that_finds_no_room_names_the_file_and_leaves_nothing(
    own: OracleRepository, ids: list[str]
) -> None:
    target = own.folder.parent / "big"
    target.write_text("from before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(BIG) // 2, hard))
    try:
        run = run_ours("dump", ids[0], "/src/a/b/big.bin", "-t", str(target), repository=own.folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert run.code == 1
    assert f"cannot write {target}" in run.stderr
    assert target.read_text() == "from before"
    assert not target.with_name("big.unfinished").exists()


def test_a_damaged_snapshot_does_not_hide_the_others(own: OracleRepository, ids: list[str]) -> None:
    damaged = own.folder / "snapshots" / ids[1]
    damaged.chmod(0o600)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")

    answer = run_ours("--no-lock", "snapshots", "--json", repository=own.folder)

    assert [row["id"] for row in answer.documents()[0]] == [ids[0], ids[2]]
    assert answer.code == 1
    assert ids[1][:8] in answer.stderr


def test_a_folder_that_became_a_file_is_reported_with_what_was_in_it(own: OracleRepository) -> None:
    root = own.folder.parent / "tree"
    (root / "x").mkdir(parents=True)
    (root / "x" / "inner").write_text("inner")
    first = own.run("backup", "tree", "--json", cwd=own.folder.parent)
    (root / "x" / "inner").unlink()
    (root / "x").rmdir()
    (root / "x").write_text("now a file")
    second = own.run("backup", "tree", "--json", cwd=own.folder.parent)
    ids = [read_documents(run.stdout)[-1]["snapshot_id"] for run in (first, second)]

    answer = run_ours("--no-lock", "diff", "-q", *ids, repository=own.folder)

    assert answer.text == "T    /tree/x\n-    /tree/x/inner\n"
