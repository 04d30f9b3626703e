"""What was not archived, and which place was lost, in the reader's language."""

from pathlib import Path

import pytest

from archive.admission import refused_item
from archive.errors import NotAnArchiveError
from archive.metadata.findings import Format
from archive.metadata.policy import refusals
from archive.ocfl.root import open_root
from ops.archives.capture import error_words
from ops.archives.wording import EXPLANATIONS, as_cause, tell_refusal
from ops.language.text import fill, speaking
from ops.outcomes import Explanation
from tests.unit.archive.test_ingest import make_delivery


def test_several_reasons_are_told_in_the_readers_language() -> None:
    program = refusals({"att-01.bin": Format("fmt/688")})["att-01.bin"]
    why = f"malware was found: body.html: Eicar; {program}"
    kept = error_words(refused_item(make_delivery().item, why))

    with speaking("vi"):
        told = tell_refusal(kept)
    with speaking("en"):
        assert tell_refusal(kept) == why

    assert told == "có mã độc: body.html: Eicar; att-01.bin là một chương trình (ELF, fmt/688)"


@pytest.mark.parametrize("why", ["", "403", "{key} {", "sự cố chưa biết; khác"])
def test_what_nobody_foresaw_stays_as_it_is(why: str) -> None:
    with speaking("vi"):
        assert tell_refusal(why) == why


def test_the_first_refused_and_a_lost_place_are_told_whole(tmp_path: Path) -> None:
    refused = EXPLANATIONS["archive_refused"]
    assert not isinstance(refused, Explanation)
    lost = EXPLANATIONS["archive_place_lost"]
    assert isinstance(lost, Explanation)
    with pytest.raises(NotAnArchiveError) as caught:
        open_root(tmp_path)
    params = {"place": "second", "why": as_cause(caught.value)}

    with speaking("vi"):
        first = refused({"count": 1, "site": "cong-xa", "first": ["post/1: not in the backup"]}).why
        place = fill(lost.what, params)

    assert first == "post/1: không có trong bản sao lưu"
    assert place.endswith(f"{tmp_path} không phải là kho lưu trữ mà phiên bản này dùng được")
