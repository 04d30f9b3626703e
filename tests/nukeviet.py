"""A portal with NukeViet's tables, folders and habits, written for the tests.

Its code and texts are ours: only names of tables, columns and folders follow NukeViet 4.5.
"""

import random
from collections.abc import Iterator
from pathlib import Path

FILES = Path(__file__).with_name("portal_files")
PAGES = ("/", "/tin-tuc/thoi-su/quy-hoach-1.html", "/gioi-thieu/co-cau.html", "/lien-he/")
"""Pages that stay, but for counters, clocks, banners and polls."""
MADE_ANEW = ("data/cache", "data/tmp")
"""What the portal writes into, and nobody backs up: the folders have to be there."""
WRITTEN = (*MADE_ANEW, "uploads")
"""What the web server's user owns."""
_UPLOADS = {
    "uploads/news/2026_09/anh.jpg": 60_000, "uploads/news/2026_09/ban-do.pdf": 300_000,
    "uploads/news/2026_09/trong-bài.png": 40_000, "uploads/about/so-do.png": 20_000,
    "uploads/about/tru-so.jpg": 80_000, "uploads/laws/2026/57-qd.pdf": 200_000,
    "uploads/laws/2026/du-thao.docx": 50_000, "uploads/comment/2026/don.pdf": 30_000,
}  # fmt: skip
_BANNER = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="468" height="60">'
    '<rect width="468" height="60" fill="#b5121b"/>'
    '<text x="20" y="38" font-size="24" fill="#fff">{}</text></svg>\n'
)
_BANNERS = ("Cải cách hành chính", "Chuyển đổi số", "Đường dây nóng 1022")


def tables() -> str:
    """Give the statements that make and fill its database; MyISAM, as NukeViet's are."""
    parts = [(FILES / name).read_text("utf-8") for name in ("nukeviet.sql", "nukeviet-habits.sql")]
    return "\n".join(["SET SESSION default_storage_engine = MyISAM;", *parts])


def files(database: str, user: str, password: str, host: str = "localhost") -> dict[str, bytes]:
    """Give its files by their place in its folder.

    Args:
        database: Name of its database.
        user: Its account there, which may read and write.
        password: Of the account, without quotes and backslashes.
        host: Where the server is: `localhost`, or the whole path of a socket.
    """
    code = FILES / "nukeviet"
    found = {
        str(path.relative_to(code)): path.read_bytes() for path in code.rglob("*") if path.is_file()
    }
    words = {"database": database, "user": user, "password": password, "host": host}
    for word, value in words.items():
        found["config.php"] = found["config.php"].replace(f"{{{word}}}".encode(), value.encode())
    return found | dict(_uploads())


def make_folder(folder: Path, contents: dict[str, bytes]) -> None:
    """Write files into a folder, and make those that it writes into."""
    for place in WRITTEN:
        (folder / place).mkdir(parents=True)
    (folder / "uploads/contact").mkdir()
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _uploads() -> Iterator[tuple[str, bytes]]:
    for name, size in _UPLOADS.items():
        yield name, random.Random(name).randbytes(size)
    for number, words in enumerate(_BANNERS, 1):
        yield f"uploads/banners/banner-{number}.svg", _BANNER.format(words).encode()
