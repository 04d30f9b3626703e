"""What the person who approves reads: sentences in their language, no names of the code."""

import ast
from pathlib import Path
from typing import Any

import pytest

from ops.access.approvals.notify import ACTS, KNOWN, word_plan
from ops.audit.verify import JournalFinding, tell
from ops.backups.ransomware.suspicion import tell_doubt

ROOT = Path(__file__).parents[5] / "ops"
SNAPSHOT = "4f2a" * 16
UNREADABLE = JournalFinding("unreadable_head", {"name": "7", "store": "near"})


@pytest.mark.parametrize(
    ("plan", "lines"),
    [
        (
            {"person": "nva", "role": "backup_admin", "change": "give"},
            ["trao một vai trò", "người: nva", "vai trò: quản trị sao lưu"],
        ),
        (
            {"snapshot": SNAPSHOT, "include": [], "files": {"www": "/srv/www"}, "databases": {}},
            ["bản sao lưu: 4f2a4f2a", "tệp: www → /srv/www"],
        ),
        (
            {
                "from": "cong_moi",
                "takes": "cong_tinh",
                "is_absent": True,
                "taken_at": {"4f2a4f2a": "2026-12-01T08:00:22+07:00"},
                "doubt": {
                    "since": "2026-12-01T07:00:00+07:00",
                    "reason": "site_frozen",
                    "params": {"reason": "pages_unlike", "signals": [], "figures": {}},
                },
            },
            [
                "CẢNH BÁO, bản sao lưu này đáng ngờ: "
                + tell_doubt(
                    {
                        "since": "2026-12-01T07:00:00+07:00",
                        "reason": "site_frozen",
                        "params": {"reason": "pages_unlike", "signals": [], "figures": {}},
                    }
                ),
                "không có gì được giữ lại: hiện không có cơ sở dữ liệu nào mang tên ấy",
                "cơ sở dữ liệu thay thế: cong_moi",
                "tên mà cơ sở dữ liệu ấy nhận: cong_tinh",
                "bản sao lưu và thời điểm sao lưu: 4f2a4f2a → 01/12/2026 08:00:22",
            ],
        ),
        (
            {"person": "nva", "renew": True, "new_password": False},
            ["cấp yếu tố xác thực thứ hai mới", "người: nva"],
        ),
        (
            {"site": "cong-xa", "store": "near", "rule": {"named": True}, "remove": [SNAPSHOT]},
            [
                "xóa các bản sao lưu được nêu đích danh, ngoài quy định lưu giữ",
                "trang: cong-xa",
                "nơi lưu: near",
                "bản sao lưu sẽ xóa: 4f2a4f2a",
            ],
        ),
        (
            {"act": "lower", "minimums": {"near": 0}, "before": {"near": 30}},
            [
                "cho thời hạn lưu giữ tối thiểu thấp hơn áp dụng cả với các bản sao lưu đang có",
                "số ngày từ nay: near → 0",
                "số ngày trước đây: near → 30",
            ],
        ),
        (
            {
                "findings": [{"code": UNREADABLE.code, "params": UNREADABLE.params}],
                "lost": [{"sequence": 21, "hash": "ab"}],
            },
            [
                "điểm yếu: "
                + tell(JournalFinding("unreadable_head", {"name": "7", "store": "near"})),
                "các dòng nhật ký đã mất: 21",
            ],
        ),
    ],
)
def test_a_plan_is_read_in_vietnamese(
    plan: dict[str, Any], lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GIUCONG_LANG", raising=False)

    assert list(word_plan(plan)) == lines


def test_every_plan_in_the_code_has_words() -> None:
    """Look at every dictionary that is given as `plan`, or named so, in a module with a `Wish`."""
    names, acts = set[str](), set[str]()
    for path in ROOT.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "requests import" not in text or " Wish(" not in text:
            continue
        for table in plans_of(ast.parse(text)):
            for key, value in zip(table.keys, table.values, strict=True):
                if isinstance(key, ast.Constant):
                    names.add(str(key.value))
                    if key.value == "act" and isinstance(value, ast.Constant):
                        acts.add(str(value.value))

    assert {"snapshot", "role", "hold", "holders", "minimums", "to"} <= names
    assert names - KNOWN == set()
    assert {"export", "escrow", "add", "replace", "lower", "recover"} <= acts
    assert acts - set(ACTS) == set()


def plans_of(module: ast.Module) -> list[ast.Dict]:
    found: list[ast.expr | None] = []
    for node in ast.walk(module):
        if isinstance(node, ast.keyword) and node.arg == "plan":
            found.append(node.value)
        if isinstance(node, ast.Assign) and any(map(_is_plan, node.targets)):
            found.append(node.value)
        if isinstance(node, ast.AnnAssign) and _is_plan(node.target):
            found.append(node.value)
    return [it for it in found if isinstance(it, ast.Dict)]


def _is_plan(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == "plan"
