"""A runbook's values: no path that somebody typed leads the service's rights where he wants."""

import os
import re
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ops.access.caller import Caller, acting_for
from ops.errors import OpsError
from ops.language.text import render_error
from ops.runbooks.commands import ProcessCommands
from ops.runbooks.held import held
from ops.runbooks.library import SHIPPED
from ops.runbooks.places import refuse_places
from ops.terminal.elsewhere import opening_through
from runbooks.errors import RunbookTextError, RunbookUseError
from runbooks.parse import load_runbook, read_runbook
from runbooks.shapes import Place
from runbooks.variables import MASK, Command, check_value
from tests.installed_machine import only_root
from tests.integration.jobs.small_estate import build_estate, giucong
from tests.integration.runbooks.driving import Desk

RUNBOOKS = sorted(SHIPPED.glob("*.md"))
KEY = "khoa-bi-mat-cua-kho-0123456789"
SERVICE, OPERATOR, OTHER = 40_001, 40_002, 40_003
MIRROR = """
[[stores]]
name = "beside"
url = "stores/beside"
role = "mirror"
of = "near"
location = "phòng bên"
medium = "disk"
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(build_estate(tmp_path / "estate", MIRROR))


def kept_by(desk: Desk) -> bytes:
    return b"".join(it.read_bytes() for it in (desk.folder / "state").rglob("*") if it.is_file())


@pytest.mark.slow
def test_a_rollback_writes_through_no_link_into_the_estate(desk: Desk, tmp_path: Path) -> None:
    for words in (("backup.init",), ("backup.run", "--site", "cong-xa"), ("backup.copy",)):
        assert giucong(desk.estate, *words).returncode == 0
    whole = desk.estate.read_text(encoding="utf-8")
    mine = tmp_path / "mine" / "x.toml"
    mine.parent.mkdir()
    mine.write_text("[service]\nstate = '/'\n")
    values = {"main": "near", "acting": "beside"}
    flags = [f"--set={name}={value}" for name, value in {**values, "estate": mine}.items()]
    told = desk.type("runbook.run", "--id", "main-store-gone", *flags, answers="có\ncó\nkhông\n")
    mine.unlink()
    mine.symlink_to(desk.estate)
    if found := re.search(r"· run ([0-9a-f]{8})", told.stdout):
        desk.type("runbook.resume", "--run", found[1], "--roll-back")

    assert desk.estate.read_text(encoding="utf-8") == whole
    assert told.returncode == 2

    desk.begin("main-store-gone", "có\ncó\nkhông\n", {**values, "estate": str(desk.estate)})
    kept = Path(f"{desk.estate}.truoc-khi-doi")
    assert kept.read_text(encoding="utf-8") == whole
    kept.unlink()
    kept.symlink_to(tmp_path / "mine" / "evil.toml")
    (tmp_path / "mine" / "evil.toml").write_text(f"# {KEY}\n")
    (tmp_path / "mine").chmod(0o777)
    back = desk.resume("", "--roll-back")
    assert KEY not in desk.estate.read_text(encoding="utf-8") + back.stdout + back.stderr


@pytest.mark.slow
def test_a_paper_of_a_store_that_is_a_link_is_not_read_out(desk: Desk, tmp_path: Path) -> None:
    giucong(desk.estate, "backup.init")
    (desk.folder / "keys" / "repository.key").write_text(KEY)
    (desk.folder / "state" / "a.key").write_text(KEY)
    (tmp_path / "disk" / "cong-xa").mkdir(parents=True)
    for name in ("HUONG-DAN-KHOI-PHUC.txt", "cong-xa/config"):
        (tmp_path / "disk" / name).symlink_to(desk.folder / "keys" / "repository.key")
    (desk.folder / "state" / "a.key").unlink()
    values = {"store": str(tmp_path / "disk"), "site": "cong-xa", "target": str(tmp_path / "out")}
    desk.begin("restore-with-restic", "mật khẩu\n", values)

    assert desk.states()[0] == (1, "done")
    assert KEY not in desk.told
    assert KEY.encode() not in kept_by(desk)


def test_what_a_command_says_of_a_file_shows_nothing_of_it(tmp_path: Path) -> None:
    key = tmp_path / "khoa"
    key.write_text(f"-----BEGIN-----\n{KEY}\n")

    told = ProcessCommands({}).run(
        Command(("grep", "", "-H", ""), {}, "", {3: Place("file", str(key))}), deadline=10
    )

    assert told.output == f"{key}:-----BEGIN-----\n{key}:{MASK}\n"


def look(shape: str, path: Path, below: str = "") -> bool:
    """Tell whether a place is used."""
    try:
        with held(Place(shape, str(path), below)):  # type: ignore[arg-type]  # as words come
            return True
    except (OpsError, OSError):
        return False


def test_a_link_is_no_place_nor_anything_below_one(tmp_path: Path) -> None:
    (tmp_path / "etc" / "in").mkdir(parents=True)
    (tmp_path / "etc" / "key").write_text(KEY)
    (tmp_path / "out").mkdir(mode=0o700)
    (tmp_path / "out" / "link").symlink_to(tmp_path / "etc")
    (tmp_path / "out" / "plain").write_text("x")
    os.mkfifo(tmp_path / "pipe")

    assert not look("file", tmp_path / "out" / "link" / "key")
    assert not look("file", tmp_path / "pipe")
    assert not look("folder", tmp_path / "out" / "plain")
    assert not look("new-folder", tmp_path / "out" / "plain")
    assert not look("new-folder", tmp_path / "out", "link/key")
    assert look("new-folder", tmp_path / "out", "plain")
    assert look("new-folder", tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").stat().st_mode & 0o777 == 0o700


def test_the_services_own_folders_are_no_place(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_ESTATE", str(desk.estate))
    for name in ("state", "scratch", "cache"):
        (desk.folder / name).mkdir(exist_ok=True)
        assert not look("new-folder", desk.folder / name / "x")
        assert not look("folder", desk.folder / name)
    (desk.folder / "stores" / "near").mkdir(parents=True)
    assert look("folder", desk.folder / "stores" / "near")
    assert not look("new-folder", desk.folder / "stores" / "near" / "x")


def as_service(act: Callable[[], bool]) -> bool:
    """Do something as the service's user, whose rights an operator has by `sudo`."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.setgroups([])
            os.setresgid(SERVICE, SERVICE, SERVICE)
            os.setresuid(SERVICE, SERVICE, SERVICE)
            os.environ["SUDO_UID"] = str(OPERATOR)
            code = int(act())
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, 1}
    return bool(code)


@only_root
@pytest.mark.parametrize(
    ("owner", "mode", "may"),
    [(OPERATOR, 0o644, True), (OTHER, 0o644, True), (OTHER, 0o640, False), (SERVICE, 0o600, True),
     (SERVICE, 0o640, True)],
)  # fmt: skip
def test_with_lent_rights_a_file_is_read_as_the_person_may(
    owner: int, mode: int, may: bool, tmp_path: Path
) -> None:
    folder = open_way(tmp_path)
    key = folder / "khoa"
    key.write_text(KEY)
    os.chown(key, owner, SERVICE)
    key.chmod(mode)

    assert as_service(lambda: look("file", key)) is may


@only_root
def test_at_the_console_a_persons_own_file_is_named_at_a_terminal(tmp_path: Path) -> None:
    key = open_way(tmp_path) / "khoa"
    key.write_text(KEY)
    os.chown(key, OTHER, OTHER)
    key.chmod(0o600)

    with (
        acting_for(Caller("nva", "nva", "10.0.0.9")),
        pytest.raises(OpsError) as refused,
        held(Place("file", str(key))),
    ):
        pass
    assert "runbook.resume --run MÃ-LẦN --set TÊN=" in render_error(refused.value)


@only_root
def test_with_lent_rights_a_key_of_the_services_own_is_no_file_to_give(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    open_way(tmp_path)
    monkeypatch.setenv("GIUCONG_ESTATE", str(desk.estate))
    for name in ("state", "keys"):
        (desk.folder / name).mkdir(exist_ok=True)
        (desk.folder / name / "repository.key").write_text(KEY)
        (desk.folder / name / "repository.key").chmod(0o600)
    for path in (desk.folder, *desk.folder.rglob("*")):
        os.chown(path, SERVICE, SERVICE, follow_symlinks=False)
    linked = tmp_path / "hard"
    os.link(desk.folder / "state" / "repository.key", linked)

    assert not as_service(lambda: look("file", linked))
    linked.unlink()
    for name in ("state", "keys"):
        assert not as_service(partial(look, "file", desk.folder / name / "repository.key"))


@only_root
def test_with_lent_rights_a_folder_that_others_could_swap_is_not_used(tmp_path: Path) -> None:
    folder = open_way(tmp_path)
    (folder / "his" / "store").mkdir(parents=True)
    os.chown(folder / "his", OPERATOR, OPERATOR)
    os.chown(folder / "his" / "store", SERVICE, SERVICE)
    (folder / "ours").mkdir()
    os.chown(folder / "ours", SERVICE, SERVICE)

    assert not as_service(lambda: look("folder", folder / "his" / "store"))
    assert not as_service(lambda: look("new-folder", folder / "his" / "new"))
    assert as_service(lambda: look("folder", folder / "ours"))
    assert as_service(lambda: look("new-folder", folder / "ours" / "new"))


def open_way(folder: Path) -> Path:
    """Let others pass to a folder of pytest's."""
    for it in (folder, *folder.parents):
        if it.stat().st_uid == os.geteuid() and it != Path("/"):
            it.chmod(it.stat().st_mode | 0o055)
    return folder


OWN = """+++
id = "rieng"
title = "Riêng"
owner = "Trung tâm"
systems = []
[variables.a]
title = "A"
SHAPE
+++
1. Xem.
   ```check
   WORD
   ```
"""


def own(shape: str, words: str) -> str:
    return OWN.replace("SHAPE", shape).replace("WORD", words)


@only_root
def test_with_lent_rights_a_text_is_no_path_to_a_program_that_is_not_ours() -> None:
    strange = read_runbook(own("", "cat {{a}}"), Path("rieng.md"))
    ours = read_runbook(own("", "giucong report.make --kind {{a}}"), Path("rieng.md"))

    def refuses(value: str, runbook: object) -> bool:
        try:
            refuse_places(runbook, {"a": value}, {})  # type: ignore[arg-type]  # as words come
        except RunbookUseError:
            return True
        return False

    for value in ("/etc/shadow", "~/x", "../x"):
        assert as_service(partial(refuses, value, strange))
        assert as_service(partial(refuses, value, ours))
    assert as_service(lambda: refuses("etc/shadow", strange))
    assert not as_service(lambda: refuses("12/QĐ-UBND", ours))


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        ("file", ["/run/khoa"], ["khoa", "/a/../b", "~/x", "/.."]),
        ("below", ["a/b c"], ["/a", "../a", "a/..", "~/a", "a/../b"]),
        ("name", ["web1", "public.posts"], ["a/b", ".ssh", "a b"]),
        ("number", ["12"], ["1.2", "x"]),
        ("day", ["24/11/2026", "2026-11-24"], ["hôm nay"]),
        ("moment", ["2026-12-20 22:00", "24/11/2026 09:30"], ["22:00"]),
        ("address", ["https://www.xa.vn/"], ["file:///etc/passwd", "/etc"]),
        ("snapshot", ["latest", "0a1b"], ["HEAD"]),
        ("repository", ["/srv/kho", "sftp:u@h:/kho", "s3:https://s3.vn/kho"], ["kho", "/a/../b"]),
    ],
)
def test_a_shape_takes_what_is_written_so_and_nothing_else(
    shape: str, good: list[str], bad: list[str]
) -> None:
    runbook = read_runbook(own(f'shape = "{shape}"', "giucong x {{a}}"), Path("rieng.md"))
    for value in good:
        assert check_value(runbook.variables["a"], value) == value
    for value in bad:
        with pytest.raises(RunbookUseError):
            check_value(runbook.variables["a"], value)


@pytest.mark.parametrize("word", ["--x={{a}}", "{{a}}.cu", "{{a}}/x/{{a}}", "x/{{a}}"])
def test_a_place_begins_its_word(word: str) -> None:
    with pytest.raises(RunbookTextError, match="stands inside a word"):
        read_runbook(own('shape = "folder"', f"giucong x {word}"), Path("rieng.md"))


@pytest.mark.parametrize("path", RUNBOOKS, ids=[it.name for it in RUNBOOKS])
def test_each_value_of_a_shipped_runbook_has_a_shape(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for name, variable in load_runbook(path).variables.items():
        table = text.partition(f"[variables.{name}]\n")[2].partition("\n[")[0].partition("+++")[0]
        assert variable.secret or "\nshape = " in table, name


@pytest.mark.parametrize("path", RUNBOOKS, ids=[it.name for it in RUNBOOKS])
def test_no_shipped_runbook_reads_or_writes_content_by_a_tool_of_the_system(path: Path) -> None:
    programs = {words[0] for step in load_runbook(path).steps for words in step.commands}

    assert programs <= {"giucong", "restic", "curl", "openssl", "test", "sha256sum", "df"}


def test_what_a_persons_process_opens_is_a_file(tmp_path: Path) -> None:
    """A pipe that nobody writes would keep the run, and its lock, after its person has gone."""
    os.mkfifo(tmp_path / "pipe")
    pipe = os.open(tmp_path / "pipe", os.O_RDWR)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    refused: list[OpsError] = []

    def use() -> None:
        place = Place("file", str(tmp_path / "pipe"))
        with ours, opening_through(ours), pytest.raises(OpsError) as error, held(place):
            pass
        refused.append(error.value)

    thread = threading.Thread(target=use, daemon=True)
    thread.start()
    theirs.recv(1 << 16)
    socket.send_fds(theirs, [b"{}"], [pipe])
    thread.join(10)
    assert refused[0].why == "it is no file"
    os.close(pipe)
    theirs.close()
