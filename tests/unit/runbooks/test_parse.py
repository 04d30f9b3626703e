"""A runbook's text: what is read from it, and every mistake with its line."""

from pathlib import Path
from unicodedata import normalize

import pytest

from runbooks.errors import RunbookTextError
from runbooks.parse import load_runbook, read_runbook
from runbooks.procedure import Prose

FILE = Path("thu.vi.md")

GOOD = """\
+++
id = "thu"
title = "Thử"
owner = "Trung tâm"
systems = []
rto_hours = 4
[variables.site]
title = "Tên trang"
[variables.snapshot]
title = "Bản sao lưu"
[variables.password]
title = "Mật khẩu"
secret = true
+++

# Thử một trang

Đọc hết
trước khi làm.

1. Xem các bản của {{site}}.

   ```check deadline=60
   # nhận xét
   giucong backup.list --site {{site}}
   ```

2. Chọn một bản.

   ```ask snapshot
   Bản nào của {{site}}?
   ```

3. [hai người] Đưa về
   chỗ cũ.

   ```run
   giucong backup.restore --site {{site}} \\
     --snapshot '{{snapshot}}' --proof-file {{password}}
   giucong backup.status
   ```

4. Trả lại như trước.

   ```rollback
   giucong backup.restore --site {{site}} --snapshot latest
   ```

5. Chờ trang sống lại.

   ```wait deadline=30 every=2
   giucong backup.status
   ```
"""


def read_mistakes(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(RunbookTextError) as raised:
        read_runbook(text, FILE)
    assert all(it.file == FILE for it in raised.value.problems)
    return [
        (int(it.key), it.what.format(**it.params), it.fix.format(**it.params))
        for it in raised.value.problems
    ]


def test_a_good_text_is_read_whole() -> None:
    runbook = read_runbook(GOOD, FILE)

    assert (runbook.id, runbook.rto_hours, runbook.rpo_hours) == ("thu", 4, None)
    assert [part.text for part in runbook.parts if isinstance(part, Prose)] == [
        "Thử một trang",
        "Đọc hết trước khi làm.",
    ]
    assert [step.kind for step in runbook.steps] == ["check", "ask", "run", "rollback", "wait"]
    assert runbook.steps[0].commands == (("giucong", "backup.list", "--site", "{{site}}"),)
    assert runbook.steps[0].deadline == 60
    assert runbook.steps[2].sentence == "Đưa về chỗ cũ."
    assert [step.two_people for step in runbook.steps] == [False, False, True, False, False]
    assert runbook.steps[2].commands == (
        ("giucong", "backup.restore", "--site", "{{site}}", "--snapshot", "{{snapshot}}",
         "--proof-file", "{{password}}"),
        ("giucong", "backup.status"),
    )  # fmt: skip
    assert (runbook.steps[4].deadline, runbook.steps[4].every) == (30, 2)
    assert runbook.asked == {"snapshot"}
    assert len(runbook.digest) == 64


@pytest.mark.parametrize(
    ("before", "after", "line", "what", "fix"),
    [
        ("+++\nid", "id", 1, "the front matter is missing", "`+++`"),
        ('id = "thu"\n', "", 1, "`id` is missing", "short-name"),
        ('id = "thu"', 'id = "Thử"', 2, "`id` cannot be used", "a-z"),
        ('id = "thu"', "id = thu", 2, "this is not TOML", "key ="),
        ('title = "Thử"', 'title = " "', 3, "`title` cannot be used", "what the runbook does"),
        ('owner = "Trung tâm"\n', "", 1, "`owner` is missing", "who keeps"),
        ("systems = []", 'systems = "cổng"', 5, "`systems` cannot be used", "means all"),
        ("rto_hours = 4", "rto_hours = 0", 6, "`rto_hours` cannot be used", "above 0"),
        ("rto_hours = 4", "rto_hours = true", 6, "`rto_hours` cannot be used", "above 0"),
        ("rto_hours = 4", "rto = 4", 6, "nobody knows the key `rto`", "rto_hours"),
        ('title = "Tên trang"', "x = 1", 7, '"site" cannot be used', "`title`"),
        ('title = "Tên trang"', 'title = "T"\nx = 1', 7, '"site" cannot be used', "leave out"),
        ("secret = true", 'secret = "yes"', 11, '"password" cannot', "`secret = true`"),
        ("secret = true", "secret = [1]", 11, '"password" cannot', '`secret = "shares"`'),
        ("secret = true", 'secret = true\ndefault = "a"', 11, '"password"', "default out"),
        ("secret = true", 'secret = true\nkey = "tep"', 11, '"password"', "one of the variables"),
        ("secret = true", 'key = "site"', 11, '"password"', "only for a secret"),
        ("secret = true", 'pattern = "("', 11, '"password"', "regular expression"),
        ("secret = true", "default = 1", 11, '"password"', "in quotes"),
        ("variables.snapshot]", "variables.Bản]", 9, "this is not TOML", "key ="),
        ("của {{site}}.\n", "của {{sites}}.\n", 21, '"sites"', "[variables.sites]"),
        ("   ```check deadline=60", "   ```chek", 23, '"chek"', "check, run, ask"),
        ("check deadline=60", "check deadline=soon", 23, '"deadline=soon"', "deadline=SECONDS"),
        ("check deadline=60", "check every=5", 23, '"every=5"', "of a wait"),
        ("ask snapshot", "ask other", 30, '"other"', "front matter"),
        ("2. Chọn", "3. Chọn", 28, "has the number 3", "write 2"),
        ("   ```ask snapshot\n   Bản nào của {{site}}?\n   ```\n", "", 28, "no fence", "three"),
        ("   Bản nào của {{site}}?\n", "", 30, "is empty", "asked"),
        ("nào của {{site}}", "nào, {{snapshot}}", 28, "about to fill", "leave it out"),
        ("[hai người]", "[ba người]", 34, '"ba người"', "[hai người]"),
        ("'{{snapshot}}'", "'{{snapshot}}", 38, "quotation mark", "close it"),
        ("backup.status\n   ```\n\n4", "backup.status | cat\n   ```\n\n4", 40, '"|"', "own line"),
        ("{{password}}", "--x={{password}}", 38, "inside a word", "stand alone"),
        ("--proof-file {{password}}", "", 11, 'nobody uses the variable "password"', "leave"),
        ("--site {{site}}\n   ```\n\n2", "--site {{snapshot}}\n   ```\n\n2", 21, "step 2 fills",
         "earlier step"),
        ("giucong backup.list --site {{site}}", "# nothing", 23, "no command", "one command"),
        ("4. Trả lại như trước.\n", "", 44, "belongs to no step", "numbered sentence"),
        ('title = "Thử"\n', "", 1, "`title` is missing", "what the runbook does"),
        ("systems = []\n", "", 1, "`systems` is missing", "means all"),
        ("systems = []", 'systems = [""]', 5, "`systems` cannot be used", "means all"),
        ("rto_hours = 4", 'rpo_hours = "4"', 6, "`rpo_hours` cannot be used", "above 0"),
        ("rto_hours = 4", "systems = []", 6, "this is not TOML", "key ="),
        ("[variables.snapshot]", '[variables."Bản"]', 9, '"Bản" cannot be used', "a-z"),
        ("[variables.snapshot]", "[variables]\nsnapshot = 1", 10, '"snapshot"', "`title`"),
        ('"Bản sao lưu"', '"B"\npattern = 1', 9, '"snapshot" cannot be used', "in quotes"),
        ('"Bản sao lưu"', '"B"\ndefault = "b"\npattern = "a"', 9, '"snapshot"', "`pattern`"),
        ("của {{site}}.\n", "của {{site}.\n", 21, "without a variable", "{{name}}"),
        ("của {{site}}.\n", "của site}}.\n", 21, "without a variable", "{{name}}"),
        ("   ```check deadline=60", "   ```", 23, 'kind of fence ""', "check, run, ask"),
        ("check deadline=60", "check deadline=0", 23, '"deadline=0"', "deadline=SECONDS"),
        ("check deadline=60", "check private", 23, '"private"', "of a run also `private`"),
        ("ask snapshot", "ask incomplete", 30, '"incomplete"', "of an ask only"),
        ("check deadline=60", "check site", 23, '"site"', "of an ask only the variable"),
        ("ask snapshot", "ask deadline=5", 30, '"deadline=5"', "of an ask only"),
        ("deadline=30 every=2", "deadline=30, every=2", 51, '"deadline=30,"', "=SECONDS"),
        ("1. Xem", "1) Xem", 23, "belongs to no step", "`1. A sentence.`"),
        ("1. Xem", "- Xem", 23, "belongs to no step", "`1. A sentence.`"),
        ("1. Xem", "0. Xem", 21, "has the number 0", "write 1"),
        ("   ```ask snapshot", "   Một đoạn.\n\n   ```ask snapshot", 28, "no fence",
         "right below"),
        ("   Bản nào của {{site}}?\n   ```\n", "   Nào?\n   ```\n   ```run\n   true\n   ```\n",
         33, "belongs to no step", "one fence a step"),
        ("giucong backup.status\n   ```\n\n4", "true 2>&1\n   ```\n\n4", 40, '"2>&1"', "own line"),
        ("giucong backup.status\n   ```\n\n4", "true && true\n   ```\n\n4", 40, '"&&"', "a script"),
    ],
)  # fmt: skip
def test_each_mistake_gets_its_line_and_the_fix(
    before: str, after: str, line: int, what: str, fix: str
) -> None:
    assert before in GOOD
    found = read_mistakes(GOOD.replace(before, after, 1))

    assert [it for it in found if it[0] == line and what in it[1] and fix in it[2]], found


def test_a_mark_counts_however_its_letters_are_composed() -> None:
    text = GOOD.replace("[hai người]", normalize("NFD", "[hai người]"))

    assert [step.two_people for step in read_runbook(text, FILE).steps].count(True) == 1


def test_a_run_whose_output_is_a_secret_says_so() -> None:
    runbook = read_runbook(GOOD.replace("   ```run", "   ```run private deadline=9"), FILE)

    assert [(step.private, step.deadline) for step in runbook.steps if step.kind == "run"] == [
        (True, 9)
    ]


def test_a_file_that_is_no_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "thu.vi.md"
    path.write_bytes(GOOD.encode().replace("Trung tâm".encode(), b"Trung t\xe2m"))
    with pytest.raises(RunbookTextError) as raised:
        load_runbook(path)
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())

    assert [(it.key, it.what, it.fix, it.file) for it in raised.value.problems] == [
        ("4", "this line is not UTF-8", "save the file as UTF-8", path)
    ]
    assert load_runbook(path).steps[3].sentence == "Trả lại như trước."


def test_a_fence_or_a_front_matter_without_an_end_is_named_where_it_begins() -> None:
    assert read_mistakes(GOOD[: GOOD.rindex("   ```")])[0][:2] == (
        51, "this fence has no end",
    )  # fmt: skip
    assert read_mistakes("+++\nid = 'a'\n")[0][:2] == (1, "the front matter has no end")


def test_variables_that_are_no_table_are_told() -> None:
    head = "+++\nid='a'\ntitle='a'\nowner='a'\nsystems=[]\nvariables=1\n+++\n1. A.\n"

    found = read_mistakes(head + "   ```run\n   true\n   ```\n")

    assert found == [
        (6, "`variables` is no table", "write `[variables.name]` and below it `title` in quotes")
    ]


def test_a_rollback_cannot_come_first() -> None:
    text = GOOD.replace("```check deadline=60", "```rollback")

    assert (21, "a rollback cannot come first") in [it[:2] for it in read_mistakes(text)]


def test_a_text_without_steps_is_none() -> None:
    head = "+++\nid='a'\ntitle='a'\nowner='a'\nsystems=[]\n+++\nĐọc.\n"

    assert [it[:2] for it in read_mistakes(head)] == [(7, "there is no step")]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines() -> None:
    text = GOOD.replace("systems = []", "systems = 1").replace("```wait", "```await")
    found = read_mistakes(text.replace("[hai người]", "[ba người]"))

    assert [line for line, _, _ in found] == [5, 34, 51]
