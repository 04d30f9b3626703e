"""What people read in the console: forms without flags, commands that lead to pages, acts."""

import pytest

from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.console.acts import all_acts
from ops.console.subjects import tell_act
from ops.console.web.shown import show_told
from ops.language.text import _, speaking

GIVEN = {"alert", "cancel", "duty", "grant", "id", "item", "job", "run", "set"}
"""Fields that the pages themselves fill."""


@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_form_speaks_of_flags_and_tasks(language: str) -> None:
    with speaking("vi" if language == "vi" else "en"):
        seen = [
            (name, it.name, _(it.help))
            for name, act in all_acts().items()
            for it in act.fields()
            if it.name not in GIVEN and (act.task, it.name) != ("report.make", "kind")
        ] + [(name, "", _(act.form.about)) for name, act in all_acts().items()]
    assert [it for it in seen if "--" in it[2] or "`" in it[2]] == []


def test_a_command_leads_to_the_page_that_does_the_same() -> None:
    command = "giucong backup.run --site cong-xa"
    link = '<a href="/site?site=cong-xa"><code>giucong backup.run --site cong-xa</code></a>'
    assert show_told(f"chạy `{command}`") == f"chạy {link}"
    assert show_told(command) == link
    assert show_told("`giucong estate.check`") == "<code>giucong estate.check</code>"
    hostile = show_told('`giucong backup.run --site "><script>`')
    assert "<script" not in hostile
    assert "href" not in hostile


def test_an_act_of_the_journal_is_told_in_words_and_a_new_one_as_it_is() -> None:
    with speaking("vi"):
        told = tell_act({"action": "user.login", "via": "console", "subject": "nva"})
        assert (told["title"], told["via_told"]) == ("đăng nhập", "bảng điều khiển")
        assert tell_act({"action": "area.new", "via": "x"})["title"] == "area.new"
