"""Files of who types: several behind one flag, and two that belong to one name."""

import os
import socket
import threading
from contextlib import closing
from pathlib import Path

from ops.console.office.order import AtTerminal, GivenFile
from ops.service.given_files import placed_files
from ops.terminal.exchange import Asked, receive_tree, send_tree


def test_each_share_of_a_key_comes_as_a_file_of_its_own(tmp_path: Path) -> None:
    shares = [tmp_path / "one", tmp_path / "two"]
    for it in shares:
        it.write_text(it.name)
        it.chmod(0o600)
    opened = [os.open(it, os.O_RDONLY) for it in shares]
    typed = [str(it) for it in shares]
    files = tuple(
        GivenFile(flag="share", shape="secret", typed=it, descriptor=place)
        for place, it in enumerate(typed)
    )
    terminal = AtTerminal(
        program="giucong", environment={}, files=files, folder=str(tmp_path), opener=0,
    )  # fmt: skip
    with placed_files(terminal, {"share": typed, "dry_run": True}, opened) as placed:
        assert [Path(it).read_text() for it in placed["share"]] == ["one", "two"]
    for descriptor in opened:
        os.close(descriptor)


def test_a_chart_comes_back_with_its_figures_beside_it(tmp_path: Path) -> None:
    made, mine = tmp_path / "made", tmp_path / "mine"
    for it in (made, mine):
        it.mkdir()
    (made / "disk.svg").write_text("<svg/>")
    (made / "disk.csv").write_text("1;2")
    here, there = socket.socketpair()
    with closing(here), closing(there):
        sender = threading.Thread(target=send_tree, args=(here, made))
        sender.start()
        folder = os.open(mine, os.O_RDONLY | os.O_DIRECTORY)
        received = receive_tree(there, folder, Asked(frozenset({".csv"}), "disk.svg"))
        os.close(folder)
        sender.join()

    assert (received.files, received.kept) == (2, [])
    assert (mine / "disk.svg").read_text() == "<svg/>"
    assert (mine / "disk.csv").read_text() == "1;2"
