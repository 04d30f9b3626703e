"""Articles of a made-up portal, in the words of officials: handed in as files, or in an index."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archive.metadata.item import Agent, Item, Source, make_id
from archive.search.index import Row, open_index

SITE = "portal"
ESTATE = """
schema = 1
[organisation]
name = "Trung tâm"
[service]
state = "state"
scratch = "scratch"
cache = "cache"
[catalog]
url = "sqlite:///state/giucong.db"
[keys]
repository = "file:keys/repository.key"
[archive]
url = "archive/public"
private = "archive/private"
[[stores]]
name = "near"
url = "stores/near"
role = "primary"
location = "đây"
medium = "disk"
[[units]]
name = "centre"
title = "Trung tâm"
[[classes]]
name = "news"
[[sites]]
name = "portal"
title = "Cổng thông tin"
unit = "centre"
classes = ["news"]
  [[sites.files]]
  name = "www"
  path = "www"
"""


def _words(text: str) -> list[str]:
    return text.split()


_COMMON = _words(
    "tỉnh ban hành quyết định về việc phê duyệt kế hoạch phát triển kinh tế xã hội năm các sở"
    " ngành địa phương chịu trách nhiệm thực hiện đất đai giáo dục y tế giao thông môi trường nước"
    " sạch nông thôn mới chuyển đổi số dịch vụ công trực tuyến cải cách hành chính người dân doanh"
    " nghiệp thủ tục hồ sơ tiếp nhận giải quyết đúng hạn phường huyện thành phố lãnh đạo hội nghị"
    " triển khai công tác phòng chống thiên tai dịch bệnh an toàn vệ sinh thực phẩm"
)
_ONSETS = _words("b c ch d đ g h k kh l m n ng nh ph qu s t th tr v x")
_RIMES = _words("an áng ạch ấm ầu ẻo én ệnh iểu ít oán òa ói ống ớp ười ước ưỡng úc yền")
_RARE = [f"{onset}{rime} {second}{rime}" for onset in _ONSETS for second in _ONSETS
         for rime in _RIMES]  # fmt: skip
WORDS = [*_COMMON, *_RARE[::3], "dat dai", "dong nai", "giao thong"]
_AT_ONCE = 2000


def write_hand_over(folder: Path, count: int) -> Path:
    """Write articles of 25 KB with a picture, and the sheet that names them."""
    chance, rows = random.Random(2019), ["key;title;author;published;file"]
    folder.mkdir(parents=True)
    for number in range(count):
        words = chance.choices(_COMMON, k=3300) + chance.choices(_RARE, k=250)
        page = f"<html><body><p>{' '.join(words)}</p></body></html>"
        (folder / f"{number:06d}.html").write_text(page, encoding="utf-8")
        picture = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + chance.randbytes(6000) + b"\xff\xd9"
        (folder / f"{number:06d}.jpg").write_bytes(picture)
        title = " ".join(chance.choices(_COMMON, k=10))
        files = f"{number:06d}.html|{number:06d}.jpg"
        rows.append(f"{number};{title};Ban biên tập;{1 + number % 28:02d}/03/2019;{files}")
    (folder / "items.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def write_estate(folder: Path) -> Path:
    """Write an estate with one site and an archive; gives its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "estate.toml"
    path.write_text(ESTATE, encoding="utf-8")
    return path


def fill_index(path: Path, count: int) -> Path:
    """Make an index of so many articles of 3 KB each."""
    chance, index = random.Random(2019), open_index(path)
    begin = datetime(2008, 1, 1, tzinfo=UTC)
    bodies = [" ".join(chance.choices(_COMMON, k=480)) for _ in range(400)]
    source, creators = Source(name="Cổng thông tin"), (Agent(name="Ban biên tập"),)
    for start in range(0, count, _AT_ONCE):
        rows = []
        for number in range(start, min(start + _AT_ONCE, count)):
            moment = begin + timedelta(minutes=47 * number)
            title = " ".join(chance.choices(_COMMON, k=10))
            item = Item(
                id=make_id(SITE, str(number)), site=SITE, source_key=f"bench/{number}",
                content_class="news", shape="news", title=title, creators=creators, source=source,
                published=moment,
            )  # fmt: skip
            text = f"{title} {bodies[number % 400]} {' '.join(chance.choices(_RARE, k=25))}"
            rows.append(Row(item, "v1", moment.date().isoformat(), "0" * 64, text))
        index.put(rows)
    index.close()
    return path
