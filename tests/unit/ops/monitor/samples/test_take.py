"""Why a machine could not be looked at is told in the reader's language, whoever worded it."""

import json
from pathlib import Path
from typing import Any

from ops.estate.model.monitor import DEFAULT_THRESHOLDS
from ops.language.text import speaking
from ops.monitor.samples.judge import judge_machine
from ops.monitor.samples.sample import Unseen
from ops.monitor.samples.take import take_sample
from ops.monitor.samples.wording import EXPLANATIONS
from provisioning.local_host import LocalHost
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import SshPool
from provisioning.ssh.targets import SshTarget


def told(seen: Any) -> str:
    assert isinstance(seen, Unseen)
    (condition,) = judge_machine("web1", seen, None, None, DEFAULT_THRESHOLDS)
    params = json.loads(json.dumps(condition.params))
    with speaking("vi"):
        return EXPLANATIONS[condition.code](params).why


def test_a_key_that_cannot_be_used_is_told_in_vietnamese(tmp_path: Path) -> None:
    key = tmp_path / "khóa\x1b[2J"
    target = SshTarget(name="web1", address="127.0.0.1", identity=key, known_hosts=tmp_path / "k")
    why = told(take_sample(SshHost(target, SshPool())))
    assert why.startswith("không dùng được khóa")
    assert "cannot be used" not in why
    assert "No such file" not in why
    assert "\x1b" not in why


class Says(LocalHost):
    """This machine, which answers something else to every command."""

    def __init__(self, script: str) -> None:
        super().__init__()
        self._script = script.encode()

    def start(self, command: Any, **given: Any) -> Any:
        assert command
        return super().start((b"sh", b"-c", self._script), **given)


def test_what_makes_no_sense_is_told_in_vietnamese() -> None:
    assert told(take_sample(Says("exit 3"))) == "lệnh kết thúc với mã 3"
    assert told(take_sample(Says("echo clock 1"))) == "bị cắt giữa chừng"
