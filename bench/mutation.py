"""A portal a day later: a seeded change of data set (a) in place."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.content import EPOCH, SPAN, Writer, make_content
from bench.dataset import SEED, pools_for
from bench.dump import make_rows
from bench.words import SLUGS, Pools

DAY = 86400
INSERTED_BYTES = 300_000  # rows into a dump of 250 MB
NEW_KINDS = ("jpg", "html", "pdf", "html", "jpg")


@dataclass(frozen=True, slots=True)
class Changes:
    """What one day did: numbers of files."""

    changed: int
    renamed: int
    added: int
    deleted: int


def pass_day(
    root: Path, *, day: int = 1, scale: float = 1.0, seed: int = SEED, share: float = 0.01
) -> Changes:
    """Change the portal below `root` in place as one day would.

    A third of the changed files grow at the end, a third are edited in the middle, a third are
    written anew. Some files are renamed, added and deleted, and the largest dump gets new rows at
    two fifths of its length, so that all offsets behind them shift.

    Args:
        root: A copy of data set (a), perhaps some days later already.
        day: Number of the day; the same day on the same tree gives the same result.
        scale: With which the data set was made.
        seed: Of the generator.
        share: Of the files that change.
    """
    pools = pools_for(scale, seed)
    out = Writer(root, np.random.default_rng([seed, 5, day]))
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    dumps = [path for path in paths if path.suffix == ".sql"]
    ordinary = [path for path in paths if path.suffix != ".sql" and path.stat().st_size > 0]
    count = max(int(len(ordinary) * share), 3)
    parts = [count, max(count // 5, 1), max(count // 8, 1)]
    chosen = [ordinary[number] for number in out.rng.permutation(len(ordinary))[: sum(parts)]]
    time = (EPOCH + SPAN + day * DAY) * 1_000_000_000
    for number, path in enumerate(chosen[:count]):
        _change_file(out, path, number, pools)
        os.utime(path, ns=(time, time))
    for number, path in enumerate(chosen[count : count + parts[1]]):
        path.rename(path.with_name(f"{path.stem}-doi-ten-{day}-{number}{path.suffix}"))
    for path in chosen[count + parts[1] :]:
        path.unlink()
    added = max(count // 3, 1)
    for number in range(added):
        _add_file(out, day, number, pools)
    for path in dumps:
        _insert_rows(path, int(INSERTED_BYTES * scale) + 1, pools, out.rng)
        os.utime(path, ns=(time, time))
    return Changes(changed=count, renamed=parts[1], added=added, deleted=parts[2])


def _change_file(out: Writer, path: Path, number: int, pools: Pools) -> None:
    """Append, edit in the middle, or write anew, by turns."""
    text = out.passage(pools.prose, 200 + int(out.draw() * 1800))
    if number % 3 == 0:
        with path.open("ab") as file:
            file.write(text)
        return
    size = path.stat().st_size
    with path.open("r+b") as file:
        if number % 3 == 1:
            file.seek(size // 2)
            file.write(text[: max(size // 4, 1)])
            return
        kind = path.suffix[1:]
        known = kind if kind in {"html", "php", "js", "css", "json", "pdf", "jpg"} else "html"
        file.truncate(0)
        file.write(make_content(out, known, size, pools))


def _add_file(out: Writer, day: int, number: int, pools: Pools) -> None:
    kind = NEW_KINDS[number % len(NEW_KINDS)]
    size = int(min(np.exp(out.rng.normal(10.0, 1.3)), 5_000_000)) + 500
    slug = SLUGS[int(out.draw() * len(SLUGS))]
    name = f"wp-content/uploads/2024/{11 + day % 2}/{slug}-ngay-{day}-{number}.{kind}"
    out.write(name, make_content(out, kind, size, pools))


def _insert_rows(path: Path, size: int, pools: Pools, rng: np.random.Generator) -> None:
    """Insert whole rows at two fifths, in place: only the tail is written again."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size * 2 // 5)
        before = file.tell()
        tail = file.read()
        row_end = tail.find(b"),(")
        cut = row_end + 2 if row_end >= 0 else 0
        file.seek(before + cut)
        file.write(make_rows(size, pools, rng))
        file.write(memoryview(tail)[cut:])
