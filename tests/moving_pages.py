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


_ONSETS = "b c ch d đ g gh gi h k kh l m n ng ngh nh ph qu r s t th tr v x"
_RHYMES = (
    "a á à ả ã ạ an án ản anh ánh ảnh ao áo ay áy ăn ắn ân ấn ấp ất âu ấu ây ấy e é eo ê ế ên"
    " ến ệ i í in ính ình iên iến iện iêu iều o ó on ong óng ô ố ông ống ổng ội ôn ơ ở ơi ới"
    " ơn u ú ung úng ủ uyên uyết uân ư ứ ưa ừa ưng ừng ươi ước ương ường ười y ý oa òa oan"
    " oàn oá"
)
_FOREIGN = (
    "Microsoft Facebook VNeID UNESCO ASEAN Covid Samsung FPT WHO Online Festival Marathon"
    " Logistics Internet Website Email Zalo Smartphone Blockchain Startup Workshop Forum Expo"
    " Hub Cluster Singapore Australia Sydney Brussels Geneva Washington Intel Boeing Vinfast"
    " Viettel Camera Laptop Robot Drone Radar Diesel Oxford Stanford Harvard IELTS PISA"
    " Olympic SEA Games VSIP Amata Becamex Krông Pleiku Stung Treng QĐ-UBND TTHC CNTT DVC KPI"
    " PCI PAPI SIPAS BHXH BHYT GRDP"
)
HOME, NEWS, CONTACT = "/", "/tin-tuc", "/lien-he"


class LivingPortal:
    """A province's portal through a month, as its editors and its software change it.

    - **title**: never, but for the number of new notices before it, several times a day;
    - **articles**: three to nine on a working day, up to two on others, twenty-five at once on the
      day of a great event; of 2 000 syllables used as often as in any language (Zipf), one in five
      with up to four foreign names, one in ten with a link to a host that was never named before;
    - **blocks**: the six categories of the home page follow the articles; documents come twice a
      day; five articles by chance at each visit; the video of the week each Monday; the poll is
      taken away and comes back every ten days;
    - **counters**: visitors, of today, online, the clock: at each visit; the weather twice a day;
    - **banners**: three of eight by chance at each visit, each to a host of its own;
    - **season**: from day 9 a banner for a campaign, from day 16 to 24 a greeting of Tết and its
      theme on every page, from the portal's own host;
    - **menu**: on day 13 three of its ten entries are others, one leads to a new host of the
      province; on day 20 a telephone number and a person of the contact page are others;
    - **scripts**: its own, one of statistics, a frame of videos; each visit with another nonce, and
      data of the newest articles in a script.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        chance = random.Random(f"cổng {seed}")
        whole = [f"{onset}{rhyme}" for onset in _ONSETS.split() for rhyme in _RHYMES.split()]
        self._syllables = chance.sample(whole, 2000)
        self._weights = list(itertools.accumulate(1 / (rank + 2) ** 0.95 for rank in range(2000)))
        self._articles: list[tuple[float, str, str, str]] = []
        for day in range(-30, 31):
            count = chance.randrange(0, 3) if day % 7 > 4 else chance.randrange(3, 10)
            for _ in range(25 if day == 11 else count):
                self._articles.append(self._write_article(chance, day))
        self._articles.sort()
        self._frame = {name: self.write(chance, size) for name, size in (
            ("about", 60), ("notice", 45), ("footer", 40), ("greeting", 70), ("campaign", 18),
            ("contact", 260), ("address", 30))}  # fmt: skip
        self._menu = [self.write(chance, 3) for _ in range(13)]
        self._documents = [self.write(chance, 16) for _ in range(140)]
        self._visits = itertools.count(chance.randrange(10**6))

    def write(self, chance: random.Random, words: int, foreign: int = 0) -> str:
        """Write a text of so many syllables."""
        found = [
            f"{it.capitalize() if chance.random() < 0.15 else it}{',' * (chance.random() < 0.08)}"
            for it in chance.choices(self._syllables, cum_weights=self._weights, k=words)
        ]
        for name in chance.sample(_FOREIGN.split(), foreign):
            found.insert(chance.randrange(len(found)), name)
        text = " ".join(found)
        return f"{text[:1].upper()}{text[1:]}"

    def _write_article(self, chance: random.Random, day: int) -> tuple[float, str, str, str]:
        foreign = chance.randrange(1, 5) if chance.random() < 0.2 else 0
        host = f"bao-{chance.randrange(10**6)}.example.net"
        link = f' <a href="https://{host}/tin">{host}</a>' if chance.random() < 0.1 else ""
        at = day + chance.randrange(7, 18) / 24
        title = self.write(chance, chance.randrange(8, 20), foreign)
        return at, title, self.write(chance, 35) + link, f"/tin/{chance.randrange(10**6)}.html"

    def visit(self, page: str, day: float) -> str:
        """Give a page as a visitor sees it; `day` is 0 to 30, with a fraction."""
        visit = next(self._visits)
        chance = random.Random(f"{self.seed} {visit}")
        news = [it for it in reversed(self._articles) if it[0] <= day]
        content = {HOME: self._home, NEWS: self._news, CONTACT: self._contact}[page]
        return self._wrap(page, content(news, day, chance), news, day, chance, visit)

    def _wrap(
        self, page: str, content: str, news: list[tuple[float, str, str, str]], day: float,
        chance: random.Random, visit: int,
    ) -> str:  # fmt: skip
        is_festive = 16 <= day < 24
        menu = [*self._menu[:10]] if day < 13 else [*self._menu[:7], *self._menu[10:]]
        entries = "".join(f'<li><a href="/m{n}">{it}</a></li>' for n, it in enumerate(menu))
        if day >= 13:
            entries += '<li><a href="https://dvc.tinh.example.vn/">Dịch vụ công</a></li>'
        waiting = int(day * 3) % 5
        title = f"({waiting}) " if waiting and page == HOME else ""
        title += {HOME: "", NEWS: "Tin tức - ", CONTACT: "Liên hệ - "}[page]
        data = ",".join(f'{{"u":"https://cong.example.vn{it[3]}"}}' for it in news[:5])
        theme = "tet" if is_festive else "thuong"
        greeting = f'<div class="tet">{self._frame["greeting"]}</div>' if is_festive else ""
        snow = '<script src="/js/hoa-dao.js"></script>' if is_festive else ""
        return f"""<!doctype html><html lang="vi"><head><title>{title}Cổng thông tin tỉnh</title>
<link rel="stylesheet" href="/css/{theme}.css"><script src="/js/cong.js?v={int(day) // 9}"></script>
<script async src="https://thongke.example.com/t.js" nonce="{visit}"></script>{snow}
<script type="application/ld+json">[{data}]</script></head><body>
<header><h1>Cổng thông tin điện tử tỉnh</h1> <span>{int(day) % 28 + 1}/01/2027
{visit % 24}:{visit % 60:02}</span></header><nav><ul>{entries}</ul></nav>{greeting}
<main>{content}</main>
<div class="counter">Đang truy cập {chance.randrange(1, 90)} Hôm nay {visit % 5000}
Tổng lượt truy cập {visit}</div><footer>{self._frame["footer"]}
<a href="https://chinhphu.example.vn">Chính phủ</a></footer></body></html>"""

    def _home(
        self, news: list[tuple[float, str, str, str]], day: float, chance: random.Random
    ) -> str:
        def list_(found: list[tuple[float, str, str, str]], *, more: bool = False) -> str:
            return "".join(
                f'<li><a href="{path}">{title}</a> {int(at) % 28 + 1}/01/2027'
                f"{f'<p>{text}</p>' if more else ''}</li>"
                for at, title, text, path in found
            )

        blocks = "".join(
            f"<section><h2>{self._menu[n]}</h2><ul>{list_(news[n::6][:4])}</ul></section>"
            for n in range(6)
        )
        banners = "".join(
            f'<a href="https://doi-tac-{n}.example.org/"><img src="/b/{n}.png"></a>'
            for n in chance.sample(range(8), 3)
        )
        campaign = f"<aside>{self._frame['campaign']}</aside>" if day >= 9 else ""
        poll = f"<form><h4>{chance.choice(POLLS)}</h4>Rất tốt Tốt Khá</form>"
        first = int(day * 2) + 60
        documents = "".join(f"<li>{it}</li>" for it in self._documents[first : first - 10 : -1])
        return f"""{campaign}<ul class="slider">{list_(news[:5], more=True)}</ul>
<p>{self._frame["about"]}</p>{blocks}<ol>{documents}</ol><div>{self._frame["notice"]}</div>
<ul class="random">{list_(chance.sample(news, 5))}</ul>{banners}
{poll if int(day) % 10 < 7 else ""}<div>Thời tiết {22 + int(day * 2) % 9} độ</div>
<iframe src="https://video.example.com/embed/{int(day) // 7}"></iframe>
<span>{news[int(day) // 7][1]}</span>"""

    def _news(
        self, news: list[tuple[float, str, str, str]], _day: float, chance: random.Random
    ) -> str:
        rows = "".join(
            f'<article><h2><a href="{path}">{title}</a></h2><p>{text}</p></article>'
            for _at, title, text, path in news[:20]
        )
        return f"{rows}<aside>{chance.choice(news)[1]}</aside>"

    def _contact(
        self, news: list[tuple[float, str, str, str]], day: float, chance: random.Random
    ) -> str:
        phone = "0251 3822 501" if day < 20 else "0251 3822 777"
        person = "Nguyễn Văn An" if day < 20 else "Trần Thị Bình"
        return f"""<p>{self._frame["address"]}</p><p>{self._frame["contact"]}</p>
<p>Người phát ngôn: {person}, điện thoại {phone}</p><form>Họ và tên Nội dung Mã {chance.random()}
</form><aside>{news[0][1]}</aside>"""
