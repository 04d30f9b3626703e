"""Seeded data to back up: a portal, one large dump, very many small files.

| name | full size | what |
|---|---|---|
| site | 2 GB, 55 000 files | (a): a portal's mix with a 250 MB dump |
| dump | 4 GB, 1 file | (b): one SQL dump |
| small | 300 000 files of about 2 KB | (c): cached fragments |

The same seed and scale give the same names, bytes and modification times on every machine. All
times of modification lie in 2024, so that no program takes a file for one that is still being
written. (d), the portal a day later, is made in place by `bench.mutation`.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.content import Writer, make_content
from bench.dump import write_dump
from bench.words import CODE_POOL_BYTES, POOL_BYTES, SLUGS, Pools, make_pools

SEED = 20241124
FORMAT = 1  # raise it when the generator's output changes, so that old data is made anew
SITE_BYTES = 2_000_000_000
DUMP_BYTES = 4_000_000_000
SMALL_FILES = 300_000
SMALL_MEAN = 2048
MEDIA_LIMIT = 10_000_000
INDEX_FILE = b"<?php\n// Silence is golden.\n"
LOGO_BYTES = 18_342
PLUGINS = 240


@dataclass(frozen=True, slots=True)
class Kind:
    """Files of one sort in the portal.

    Attributes:
        name: Also the key of its writer.
        files: How many at scale 1.
        size: Bytes of all of them at scale 1.
        spread: Sigma of the logarithms of the sizes.
        smallest: Bytes of the smallest file.
    """

    name: str
    files: int
    size: int
    spread: float
    smallest: int


KINDS = (
    Kind("html", 9_000, 130_000_000, 0.7, 600),
    Kind("php", 18_000, 150_000_000, 1.1, 120),
    Kind("js", 6_500, 90_000_000, 1.4, 80),
    Kind("css", 2_500, 25_000_000, 1.3, 60),
    Kind("json", 3_000, 20_000_000, 1.2, 40),
    Kind("pdf", 1_800, 480_000_000, 1.1, 9_000),
    Kind("jpg", 12_499, 809_000_000, 1.7, 2_500),
)
INDEX_FILES, EMPTY_FILES, LOGO_FILES, TWICE_UPLOADED = 900, 250, 450, 100
SITE_DUMP_BYTES = 250_000_000


@dataclass(frozen=True, slots=True)
class Dataset:
    """Data that lies on the disk.

    Attributes:
        name: "site", "dump" or "small".
        root: The folder to back up.
        files: Regular files in it.
        size: Their bytes.
    """

    name: str
    root: Path
    files: int
    size: int


def ensure_dataset(name: str, folder: Path, *, scale: float = 1.0, seed: int = SEED) -> Dataset:
    """Return the data set below `folder`, made now unless it is there with the same stamp.

    Args:
        name: "site", "dump" or "small".
        folder: Holds all data sets; made if missing.
        scale: Share of the full number of files and bytes.
        seed: Of the generator.
    """
    root = folder / f"{name}-{scale:g}"
    stamp_file = folder / f"{root.name}.json"
    stamp = {"seed": seed, "scale": scale, "format": FORMAT}
    if stamp_file.exists() and root.is_dir():
        found = json.loads(stamp_file.read_text(encoding="utf-8"))
        if found["stamp"] == stamp:
            return Dataset(name, root, found["files"], found["size"])
    stamp_file.unlink(missing_ok=True)
    if root.exists():
        shutil.rmtree(root)
    made = WRITERS[name](root, scale, seed)
    totals = {"files": made.files, "size": made.size}
    stamp_file.write_text(json.dumps({"stamp": stamp, **totals}), encoding="utf-8")
    return made


def make_site(root: Path, scale: float, seed: int = SEED) -> Dataset:
    """Write data set (a)."""
    pools = pools_for(scale, seed)
    rng = np.random.default_rng([seed, 2])
    out = Writer(root, rng)
    for kind in KINDS:
        write_kind(out, kind, pools, scale)
    write_repeats(out, scale)
    target = root / "sao-luu/portal.sql"
    target.parent.mkdir(parents=True)
    write_dump(target, int(SITE_DUMP_BYTES * scale), pools, rng)
    out.note(target)
    return Dataset("site", root, out.files, out.size)


def make_dump(root: Path, scale: float, seed: int = SEED) -> Dataset:
    """Write data set (b)."""
    root.mkdir(parents=True)
    out = Writer(root, np.random.default_rng([seed, 3]))
    target = root / "portal-toan-bo.sql"
    write_dump(target, int(DUMP_BYTES * scale), pools_for(scale, seed), out.rng)
    out.note(target)
    return Dataset("dump", root, out.files, out.size)


def make_small(root: Path, scale: float, seed: int = SEED) -> Dataset:
    """Write data set (c): folders of 100 to 1000 files, one file in six incompressible."""
    pools = pools_for(scale, seed)
    out = Writer(root, np.random.default_rng([seed, 4]))
    count = max(int(SMALL_FILES * scale), 1)
    sizes = spread_sizes(out.rng, count, count * SMALL_MEAN, spread=0.6, smallest=64)
    done = 0
    while done < count:
        folder = f"cache/{done % 16:x}/{out.rng.integers(1 << 32):08x}"
        here = min(int(out.rng.integers(100, 1001)), count - done)
        for number, size in enumerate(sizes[done : done + here]):
            if number % 6 == 5:  # noqa: PLR2004 - one in six
                out.write(f"{folder}/anh-nho-{number:04d}.webp", out.rng.bytes(size))
            elif number % 3 == 1:
                out.write(f"{folder}/muc-{number:04d}.json", out.passage(pools.data, size))
            else:
                out.write(f"{folder}/trang-{number:04d}.html", out.passage(pools.prose, size))
        done += here
    return Dataset("small", root, out.files, out.size)


WRITERS: dict[str, Callable[[Path, float, int], Dataset]] = {
    "site": make_site,
    "dump": make_dump,
    "small": make_small,
}


def spread_sizes(
    rng: np.random.Generator, count: int, total: int, *, spread: float, smallest: int
) -> list[int]:
    """Draw log-normal sizes that add up to `total` within `count` bytes.

    Args:
        rng: The generator.
        count: How many sizes, at least one.
        total: Bytes of all, at least `count * smallest`.
        spread: Sigma of the logarithms.
        smallest: No size is below it; none is above 10 MB unless the mean forces it.
    """
    sizes = rng.lognormal(0.0, spread, count)
    limit = max(MEDIA_LIMIT, total / count)
    for _ in range(40):  # scaling and clipping by turns settles quickly
        sizes = np.clip(sizes * (total / sizes.sum()), smallest, limit)
    return [int(size) for size in sizes]


def pools_for(scale: float, seed: int) -> Pools:
    """Return pools of the full size, or small ones where the data set is small itself."""
    share = min(1.0, scale * 4)
    return make_pools(
        seed,
        size=max(int(POOL_BYTES * share), 200_000),
        code_size=max(int(CODE_POOL_BYTES * share), 100_000),
    )


def write_kind(out: Writer, kind: Kind, pools: Pools, scale: float) -> None:
    """Write all files of one kind."""
    count = max(int(kind.files * scale), 1)
    total = max(int(kind.size * scale), count * kind.smallest)
    sizes = spread_sizes(out.rng, count, total, spread=kind.spread, smallest=kind.smallest)
    for number, size in enumerate(sizes):
        content = make_content(out, kind.name, size, pools)
        out.write(_name_file(out, kind.name, number), content)


def write_repeats(out: Writer, scale: float) -> None:
    """Write what portals hold many times: index.php, empty files, the logo, second uploads."""
    for number in range(max(int(INDEX_FILES * scale), 2)):
        out.write(f"wp-content/plugins/trong-{number:03d}/index.php", INDEX_FILE)
    for number in range(max(int(EMPTY_FILES * scale), 1)):
        out.write(f"wp-content/cache/khoa/{number:03d}.lock", b"")
    logo = b"\x89PNG\r\n\x1a\n" + out.rng.bytes(LOGO_BYTES - 8)
    for number in range(max(int(LOGO_FILES * scale), 2)):
        out.write(f"don-vi/{number:03d}/anh/logo.png", logo)
    uploads = sorted(path for path in out.root.rglob("*.pdf"))
    for number in range(max(int(TWICE_UPLOADED * scale), 1)):
        chosen = uploads[int(out.draw() * len(uploads))]
        out.write(f"tai-lieu/gui-lai/{number:03d} - Bản gửi lại.pdf", chosen.read_bytes())


def _name_file(out: Writer, kind: str, number: int) -> str:
    slug = SLUGS[int(out.draw() * len(SLUGS))]
    when = f"{2016 + int(out.draw() * 9)}/{1 + int(out.draw() * 12):02d}"
    plugin = f"{SLUGS[number % PLUGINS % len(SLUGS)]}-{number % PLUGINS:03d}"
    if kind in {"jpg", "pdf"}:
        edge = ("", "-150x150", "-300x200", "-1024x683")[number % 4] if kind == "jpg" else ""
        return f"wp-content/uploads/{when}/{slug}-{number}{edge}.{kind}"
    if kind == "html":
        return f"tin-tuc/{when}/{slug}/Tin số {number}.html"
    if kind == "php":
        place = ("includes", "includes/lop/truu-tuong", "admin/trang", "mau")[number // PLUGINS % 4]
        return f"wp-content/plugins/{plugin}/{place}/class-{slug}-{number}.php"
    return f"wp-content/plugins/{plugin}/assets/{kind}/{slug}-{number}.{kind}"
