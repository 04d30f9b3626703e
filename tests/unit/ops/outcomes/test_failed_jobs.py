"""What a job has failed of is kept such that it can still be told in any language."""

import json

import pytest

from backup.errors import StoreUnavailableError
from ops.backups.sources.delivery_verdict import NOT_CHECKED, tell_finding
from ops.outcomes import explain
from ops.schedule.ledger.job import describe_failure
from ops.told_text import keep_told
from provisioning.commands import Deadline, make_expired
from provisioning.ssh.errors import make_cut
from provisioning.ssh.targets import SshTarget


@pytest.fixture(autouse=True)
def _in_vietnamese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "vi")


def test_an_error_within_an_error_is_told_too() -> None:
    cut = make_cut(SshTarget("nas", "192.0.2.9"), EOFError())
    result = describe_failure(StoreUnavailableError("x", why="{reason}", reason=cut))
    kept = json.loads(json.dumps(result.params))

    assert explain(result.reason, kept, job="backup", site="cong-xa").why == (
        "đường truyền tới máy nas bị đứt"
    )


def test_bytes_are_told_as_text() -> None:
    error = make_expired("web1", ["tệp".encode()], Deadline(5))
    result = describe_failure(error)

    assert "`tệp` " in explain(result.reason, result.params, job="backup", site="cong-xa").what


def test_a_delivery_that_was_not_looked_at_says_why() -> None:
    finding = {
        "cause": keep_told(StoreUnavailableError("{key} is not in {place}", key="x", place="nas"))
    }

    assert tell_finding(NOT_CHECKED, finding).endswith("x không có trong nas")
