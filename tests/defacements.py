"""What those who take a portal over do to a page, as reports of such attacks describe it."""

import random
import re
from collections.abc import Callable, Mapping

_BOAST = "<h1>HACKED BY N0B0DY TEAM</h1><p>Your security is zero. We are everywhere. Greetz to all"
_ENGLISH = (
    "buy cheap replica watches online best price free shipping worldwide discount pharmacy pills"
    " without prescription casino bonus welcome deposit jackpot roulette blackjack poker tournament"
    " download cracked software keygen serial torrent streaming movies adult webcam dating singles"
    " payday loans instant approval crypto trading signals forex robot guaranteed profit essay"
    " writing service university diploma luxury handbags sneakers outlet store"
)
_SLOT = (
    "situs judi slot gacor hari ini terpercaya deposit pulsa tanpa potongan bonus member baru link"
    " alternatif daftar akun pragmatic maxwin scatter rtp live tertinggi bandar togel resmi agen"
    " bola online server thailand jackpot progresif bocoran pola spin kakek zeus gampang menang"
)
_BETS = "nhà cái uy tín soi cầu lô đề tỷ lệ kèo đánh bài đổi thưởng nổ hũ bắn cá trực tiếp bóng đá"


def _within(html: str, piece: str) -> str:
    """Put a piece in the middle of the content."""
    before, main, after = re.split(r"(?<=<main>)(.*)(?=</main>)", html, maxsplit=1, flags=re.DOTALL)
    middle = main.find("<", len(main) // 2)
    return f"{before}{main[:middle]}{piece}{main[middle:]}{after}"


def _title_of(html: str) -> str:
    return re.sub(r".*<title>(.*?)</title>.*", r"\1", html, flags=re.DOTALL)


def _links(words: str, hosts: int, count: int) -> str:
    chance, parts = random.Random(hosts), words.split()
    return "".join(
        f'<a href="https://thang-{n % hosts}.example.com/{n}">'
        f"{' '.join(chance.sample(parts, 3))}</a> "
        for n in range(count)
    )


def _hide(piece: str) -> str:
    return f'<div style="position:absolute;left:-9999px">{piece}</div>'


DEFACEMENTS: Mapping[str, Callable[[str], str]] = {
    "whole page replaced": lambda _html: f"<title>Hacked</title>{_BOAST}",
    "whole page replaced, title and heading kept": lambda html: (
        f"<title>{_title_of(html)}</title><h1>Cổng thông tin điện tử tỉnh</h1>{_BOAST[29:]}"
    ),
    "title alone": lambda html: re.sub(
        "<title>.*?</title>", "<title>pwned by N0B0DY</title>", html
    ),
    "words behind the title": lambda html: html.replace("</title>", " - hacked by N0B0DY</title>"),
    "heading alone": lambda html: re.sub("<h1>.*?</h1>", "<h1>Hacked by N0B0DY</h1>", html),
    "a block in a foreign language": lambda html: _within(html, f"<p>{_ENGLISH}</p>"),
    "a block in a language of our letters": lambda html: _within(html, f"<p>{_SLOT}</p>"),
    "hidden links of casinos": lambda html: _within(html, _hide(_links(_SLOT, 10, 30))),
    "hidden links in Vietnamese, to one host": lambda html: _within(
        html, _hide(_links(_BETS, 1, 15))
    ),
    "a script from a new host": lambda html: html.replace(
        "</body>", '<script src="//cdn-jquery.example.top/a.js"></script></body>'
    ),
    "a script that unpacks itself": lambda html: html.replace(
        "</head>", "<script>eval(atob('YWxlcnQoMSk='))</script></head>"
    ),
    "a frame over the page": lambda html: html.replace(
        "<body>", '<body><iframe src="https://doi-thuong.example.top"></iframe>'
    ),
    "a refresh to elsewhere": lambda html: html.replace(
        "<head>", '<head><meta http-equiv="refresh" content="0; url=https://win.example.top/">'
    ),
    "a script that leads elsewhere": lambda html: html.replace(
        "<head>", '<head><script>location.href="https:\\/\\/win.example.top\\/"</script>'
    ),
    "a picture and little text": lambda html: (
        f"<title>{_title_of(html)}</title><img src=/uploads/x.jpg><p>Tự do muôn năm"
    ),
    "content taken away": lambda html: re.sub(
        "<main>.*</main>", "<main></main>", html, flags=re.DOTALL
    ),
    "an error that says it is well": lambda _html: (
        "<title>Error</title><p>Error establishing a database connection"
    ),
}
"""By name: makes the defaced page of the living one."""

UNSEEN: Mapping[str, Callable[[str], str]] = {
    "a block in Vietnamese among what moves": lambda html: _within(html, f"<p>{_BETS * 3}</p>"),
}
"""What nobody tells from an article by these measures."""
