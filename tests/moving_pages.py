"""Pages as content systems make them: with counters, clocks, polls and blocks chosen by chance."""

import itertools
import random
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

from tests.web_server import Page, say

_SYLLABLES = (
    "thông báo lịch tiếp công dân tháng của xã về việc phê duyệt kế hoạch sử dụng đất hội nghị tổng"
    " kết phường ban hành quyết định hướng dẫn thủ tục hành chính mới nhất"
)
POLLS = ("Bạn thích giao diện nào?", "Bạn biết cổng qua đâu?", "Ý kiến về dịch vụ công?")


def write_text(seed: str, words: int) -> str:
    """Write a text that is the same for the same seed."""
    chance, syllables = random.Random(seed), _SYLLABLES.split()
    return " ".join(chance.choice(syllables) for _ in range(words))


class Portal:
    """A page that is never twice the same.

    Attributes:
        visits: Counted up by each visit.
        content: Words of its own content.
        extra: What stands below it, as HTML.
        title: Of the page.
    """

    def __init__(self, words: int = 400) -> None:
        self.visits: Iterator[int] = itertools.count(1_204_337)
        self.content = write_text("nội dung", words)
        self.extra = ""
        self.title = "Cổng thông tin xã"

    def page(self) -> Page:
        """Give the page for a web server."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            say(self.make().encode())(request)

        return answer

    def make(self) -> str:
        """Make the page for one visit."""
        visit = next(self.visits)
        chance = random.Random(visit)
        articles = "".join(
            f"<li><h3>{write_text(f'bài {chance.randrange(500)}', 12)}</h3>"
            f"<time>{chance.randrange(1, 29)}/11/2026</time> Xem chi tiết</li>"
            for _ in range(5)
        )
        return f"""<!doctype html><title>{self.title}</title>
<header><h1>Cổng thông tin xã Bình Minh</h1> <span class="current-time">Thứ Sáu, 27/11/2026
{visit % 24}:{visit % 60:02}:{visit * 7 % 60:02}</span></header>
<nav><a href="/gioi-thieu">Giới thiệu</a> <a href="/lien-he">Liên hệ</a></nav>
<main>{self.content}{self.extra}</main>
<div class="poll"><form><h4>{chance.choice(POLLS)}</h4><label>Rất tốt</label></form></div>
<ul class="random">{articles}</ul>
<ul class="counter"><li>Đang truy cập {chance.randrange(1, 40)}<li>Hôm nay {visit % 5000}
<li>Tổng lượt truy cập {visit}</ul>
<footer>Bản quyền của Ủy ban nhân dân xã Bình Minh, tỉnh Đồng Nai</footer>"""


def answer_by_chance(request: BaseHTTPRequestHandler) -> None:
    """Answer with a page of which nothing but a link stays."""
    text = write_text(str(random.random()), 300)
    say(f'<title>Tin</title><a href="/gioi-thieu#x">Giới thiệu</a> {text}'.encode())(request)
