"""The booklet on paper: what it shows of an estate and of a runbook, and that it is all escaped."""

from datetime import UTC, datetime
from pathlib import Path

from ops.estate.load.load import load_estate
from ops.runbooks.booklet import make_booklet
from runbooks.parse import read_runbook
from tests.integration.jobs.small_estate import build_estate

TEXT = """\
+++
id = "thu"
title = "Thử <b>một</b> trang"
owner = "Trung tâm"
systems = ["cong"]
rto_hours = 4
[variables.site]
title = "Tên trang"
[variables.when]
title = "Lúc nào"
default = "hôm nay"
+++

# Thử <b>một</b> trang

Dùng khi `cần`. Gọi trực ban.

1. Xem trang {{site}}.

   ```check
   # nhận xét
   giucong backup.list --site {{site}}
   ```

2. [hai người] Đúng chưa?

   ```ask
   Trang {{site}} đúng chưa?
   ```

3. Ghi lúc nào.

   ```ask when
   Lúc nào?
   ```
"""


def test_the_booklet_holds_what_is_needed_when_the_screens_are_dark(tmp_path: Path) -> None:
    estate = load_estate(build_estate(tmp_path / "estate"))
    runbook = read_runbook(TEXT, Path("thu.vi.md"))
    told = make_booklet(
        estate, [runbook], [("near", ["nva", "ttb"])], datetime(2026, 11, 24, tzinfo=UTC)
    )

    for text in (
        "<td>Dùng khi cần.</td>",
        "<p>Dùng khi <code>cần</code>. Gọi trực ban.</p>",
        "thu · Trung tâm · cong · ",
        "<td>near</td><td>Nguyễn Văn A</td>",
        "<td>near</td><td>ttb</td>",
        "<td>Lúc nào</td><td>hôm nay</td>",
        "<span>--site</span> <span><b>{{site}}</b></span>",
        "Trang <b>{{site}}</b> đúng chưa? &nbsp; ☐",
        "Lúc nào? &nbsp; …………",
    ):
        assert text in told
    assert told.count('<div class="step">') == 3
    assert told.count("<i>") == 7  # time and name at each step, and the second person's once
    assert "<b>một</b>" not in told
    assert told.count("Thử &lt;b&gt;một&lt;/b&gt; trang") == 2  # in the list, and above its page
