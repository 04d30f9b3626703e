"""The Vietnamese is complete, fits its messages, and is compiled."""

import textwrap
from pathlib import Path

import pytest

from ops.language.build import (
    Message,
    find_gaps,
    find_messages,
    find_problems,
    merge_parts,
    placeholders_of,
    render_mo,
)


def test_every_message_is_translated_and_compiled() -> None:
    assert find_problems() == []


SOURCE = '''
from ops.language.text import N_, _, ngettext

REASON = "a reason kept in a constant"
TITLE = N_("a title")


class FarError(StoreError):
    """An error of a subclass."""

    def __init__(self) -> None:
        super().__init__("raised by a class", next_step="a next step")


@task("area.run", "module:act", roles=None, forms=(Form("a button", "what it does"),))
class Run:
    """First line
    goes on.

    Second paragraph.
    """

    site: Annotated[str, Flag("help of a flag", "a label", shape="site")]


def act(wish):
    print(_("plain {count}"), ngettext("one", "many", 2), "not a message")
    raise FarError("what", why=REASON, data="yes" if site else "no", other="not this")
    Problem("key", "a problem", "a fix")
    mistake("a mistake", "its fix")
    Field(description="a description", title="not this")
'''


def test_messages_are_found_wherever_a_reader_may_see_them(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package/errors.py").write_text("class StoreError(BackupError): ...\n")
    (tmp_path / "package/module.py").write_text(SOURCE)
    found = find_messages(tmp_path, ["package"])

    assert {(message.text, message.plural) for message in found} == {
        ("a description", ""),
        ("a fix", ""),
        ("a button", ""),
        ("a label", ""),
        ("a mistake", ""),
        ("a next step", ""),
        ("a problem", ""),
        ("a reason kept in a constant", ""),
        ("a title", ""),
        ("First line goes on.", ""),
        ("help of a flag", ""),
        ("its fix", ""),
        ("no", ""),
        ("one", "many"),
        ("plain {count}", ""),
        ("raised by a class", ""),
        ("Second paragraph.", ""),
        ("what", ""),
        ("what it does", ""),
        ("yes", ""),
    }


def part(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(textwrap.dedent(text), encoding="utf-8")


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("", "no translation"),
        ('msgid "run `x {name}`"\nmsgstr ""\n', "no translation"),
        ('#, fuzzy\nmsgid "run `x {name}`"\nmsgstr "chạy `x {name}`"\n', "fuzzy"),
        ('msgid "run `x {name}`"\nmsgstr "chạy `x {ten}`"\n', "placeholders"),
        ('msgid "run `x {name}`"\nmsgstr "chạy `y {name}`"\n', "commands"),
        ('msgid "run `x {name}`"\nmsgstr "chạy `x {name}`"\n', None),
    ],
)
def test_a_translation_has_to_fit(tmp_path: Path, entry: str, complaint: str | None) -> None:
    (tmp_path / "a.vi.po").write_text(entry, encoding="utf-8")
    gaps = list(
        find_gaps([Message("run `x {name}`", "", "m.py:1")], merge_parts(tmp_path).catalogue)
    )

    assert any(complaint in gap for gap in gaps) if complaint else gaps == []


def test_a_template_of_placeholders_alone_needs_no_translation(tmp_path: Path) -> None:
    catalogue = merge_parts(tmp_path).catalogue

    assert list(find_gaps([Message("{cause}: {reason}", "", "m.py:1")], catalogue)) == []


def test_two_parts_that_disagree_are_told(tmp_path: Path) -> None:
    part(tmp_path, "a.vi.po", 'msgid "x"\nmsgstr "một"\n')
    part(tmp_path, "b.vi.po", 'msgid "x"\nmsgstr "hai"\n')

    assert len(merge_parts(tmp_path).problems) == 1


def test_the_same_parts_always_give_the_same_bytes(tmp_path: Path) -> None:
    part(tmp_path, "a.vi.po", 'msgid "x {y}"\nmsgstr "một {y}"\n')
    first, second = merge_parts(tmp_path).catalogue, merge_parts(tmp_path).catalogue

    assert render_mo(first) == render_mo(second)


def test_placeholders_include_their_format() -> None:
    assert placeholders_of("{a} {b:.1f} {{c}}") == {"a", "b:.1f"}


def test_a_plural_that_two_parts_translate_otherwise_is_named(tmp_path: Path) -> None:
    for name, word in (("a", "trang"), ("b", "bản")):
        (tmp_path / f"{name}.vi.po").write_text(
            f'msgid "{{count}} page"\nmsgid_plural "{{count}} pages"\n'
            f'msgstr[0] "{{count}} {word}"\n',
            encoding="utf-8",
        )
    (problem,) = merge_parts(tmp_path).problems
    assert "translated otherwise in a.vi.po" in problem
