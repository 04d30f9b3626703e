"""SQL dumps as `mysqldump` writes them: long INSERTs of Vietnamese rows, table by table."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.words import NAMES, SLUGS, Pools

STATEMENT_BYTES = 1_000_000
HEADER = (
    b"-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)\n"
    b"/*!40101 SET NAMES utf8mb4 */;\n/*!40014 SET FOREIGN_KEY_CHECKS=0 */;\n\n"
)


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the portal's database.

    Attributes:
        name: As in the dump.
        share: Of the dump's bytes, 0 to 1.
        row: Template of one row with the places number, date, slug, passage, other number, name.
        passage: Smallest and largest passage of prose in one row, bytes.
    """

    name: str
    share: float
    row: bytes
    passage: tuple[int, int]


TABLES = (
    Table(
        "wp_comments",
        0.12,
        b"(%(number)d,%(other)d,'%(name)s','%(slug)s@example.vn','','14.161.%(octets)s',"
        b"'%(date)s','%(date)s','%(text)s',0,'1','Mozilla/5.0 (Windows NT 10.0)','comment',0,0)",
        (80, 700),
    ),
    Table(
        "wp_postmeta",
        0.13,
        b"(%(number)d,%(other)d,'_%(slug)s','%(text)s')",
        (12, 90),
    ),
    Table(
        "wp_posts",
        0.75,
        b"(%(number)d,%(author)d,'%(date)s','%(date)s','<p>%(text)s</p>','%(title)s','','publish',"
        b"'open','closed','','%(slug)s-%(number)d','','','%(date)s','%(date)s','',0,"
        b"'https://www.example.gov.vn/?p=%(number)d',0,'post','',%(author)d)",
        (700, 6500),
    ),
)


def write_dump(path: Path, size: int, pools: Pools, rng: np.random.Generator) -> None:
    """Write a dump of exactly `size` bytes (at least 300)."""
    with path.open("wb", buffering=0) as file:
        written = file.write(HEADER)
        for table in TABLES:
            goal = written + int((size - len(HEADER)) * table.share) - 200
            for statement in make_statements(table, goal - written, pools, rng):
                piece = statement[: max(goal - written, 0)]
                written += file.write(piece)
                if written >= goal:
                    break
            written += file.write(b";\nUNLOCK TABLES;\n"[: max(size - written, 0)])
        file.write(b"-- Dump completed ".ljust(max(size - written - 1, 0), b"-")[: size - written])
        file.write(b"\n" if size > file.tell() else b"")


def make_rows(size: int, pools: Pools, rng: np.random.Generator) -> bytes:
    """Return new rows of the posts table, whole, of at least `size` bytes, each with its comma."""
    rows: list[bytes] = []
    length = 0
    while length < size:
        batch = _rows(TABLES[-1], 1_000_000, 50, pools, rng)
        for row in batch:
            rows.append(row + b",")
            length += len(row) + 1
            if length >= size:
                break
    return b"".join(rows)


def make_statements(
    table: Table, size: int, pools: Pools, rng: np.random.Generator
) -> Iterator[bytes]:
    """Yield what drops and locks a table, then INSERTs of some `size` bytes without end."""
    name = table.name.encode()
    yield b"DROP TABLE IF EXISTS `%s`;\nLOCK TABLES `%s` WRITE;\n" % (name, name)
    mean = len(table.row) + sum(table.passage) // 2
    count = max(min(STATEMENT_BYTES, size) // mean, 1)
    number = 1
    while True:
        rows = b",".join(_rows(table, number, count, pools, rng))
        yield b"INSERT INTO `%s` VALUES %s;\n" % (name, rows)
        number += count


def _rows(
    table: Table, number: int, count: int, pools: Pools, rng: np.random.Generator
) -> list[bytes]:
    prose = pools.prose
    low, high = table.passage
    places = rng.random((count, 2)).tolist()
    lengths = rng.integers(low, high, size=count).tolist()
    numbers = rng.integers(0, 1 << 30, size=(count, 3)).tolist()
    days = rng.integers(0, 5 * 365 * 86400, size=count)
    dates = np.datetime_as_string(np.datetime64("2020-01-01T00:00:00") + days).tolist()
    rows = []
    for step in range(count):
        one, two, three = numbers[step]
        values = {
            b"number": number + step,
            b"other": one % 90_000,
            b"author": two % 40,
            b"octets": b"%d.%d" % (two % 256, three % 256),
            b"date": dates[step].replace("T", " ").encode(),
            b"name": NAMES[one % len(NAMES)].encode(),
            b"slug": SLUGS[three % len(SLUGS)].encode(),
            b"text": _whole(prose.cut(places[step][0], lengths[step])).replace(b"\n", b"\\r\\n"),
            b"title": _whole(prose.cut(places[step][1], 30 + three % 70)).replace(b"\n", b" "),
        }
        rows.append(table.row % values)
    return rows


def _whole(passage: bytes) -> bytes:
    """Cut a half character, half word or half tag off the end."""
    return passage.rpartition(b" ")[0] or b"tin"
