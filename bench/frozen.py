"""A portal that never changes, served from memory: articles as WordPress makes them, and parts.

`python -m bench.frozen COUNT` prints its address, and serves until it is ended.
"""

import random
import socket
import sys
import threading
from contextlib import suppress

from bench.articles import WORDS

_PARTS, _LINKS = 40, 12
_CSS = "\n".join(f".c{number}{{margin:{number}px;color:#{number:06x}}}" for number in range(400))


def make_site(count: int) -> dict[str, bytes]:
    """Give path → whole answer: articles with pictures, archives of months, a sitemap."""
    chance = random.Random(2019)
    body = {"/robots.txt": ("text/plain", b"User-agent: *\nDisallow: /wp-admin/\n")}
    body["/style.css"] = ("text/css", _CSS.encode())
    body["/favicon.ico"] = ("image/x-icon", chance.randbytes(1150))
    body |= {f"/p/{it}.jpg": ("image/jpeg", chance.randbytes(20_000)) for it in range(_PARTS)}
    listed = "".join(f"<url><loc>/bai/{number}/</loc></url>" for number in range(count))
    body["/sitemap.xml"] = ("application/xml", f"<urlset>{listed}</urlset>".encode())
    for number in range(count):
        body[f"/bai/{number}/"] = ("text/html; charset=UTF-8", _article(chance, number, count))
    links = "".join(f'<a href="/bai/{number}/">x</a>' for number in range(0, count, 5))
    body["/"] = ("text/html; charset=UTF-8", links.encode())
    return {path: _answer(kind, data) for path, (kind, data) in body.items()}


def _article(chance: random.Random, number: int, count: int) -> bytes:
    text = "".join(f"<p>{' '.join(chance.choices(WORDS, k=120))}</p>\n" for _part in range(25))
    menu = "".join(f'<li class="menu-{it}"><a href="/bai/{it}/">m</a></li>' for it in range(30))
    more = [(number + 1) % count, *(chance.randrange(count) for _link in range(_LINKS))]
    links = "".join(f'<a rel="bookmark" href="/bai/{it}/">{it}</a>' for it in more)
    return (
        f"<!doctype html><title>Bài {number}</title><link rel='stylesheet' href='/style.css'>"
        f"<style>{_CSS[:4000]}</style><ul>{menu}</ul>{text}"
        f"<img src='/p/{number % _PARTS}.jpg'>{links}"
    ).encode()


def _answer(kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: keep-alive\r\n\r\n".encode() + body


_NOTHING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def _serve(line: socket.socket, site: dict[str, bytes]) -> None:
    with line, suppress(OSError), line.makefile("rb", 65_536) as words:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while first := words.readline():
            while words.readline() not in {b"\r\n", b""}:
                pass
            line.sendall(site.get(first.split()[1].decode(), _NOTHING))


def main(words: list[str]) -> int:
    """Serve."""
    site = make_site(int(words[0]))
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(f"http://127.0.0.1:{server.getsockname()[1]}/", flush=True)
        while True:
            line, _peer = server.accept()
            threading.Thread(target=_serve, args=[line, site], daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
