"""A scan beside the backup counts what the backup meets, and stops when it is told to."""

import time
from pathlib import Path

import pytest

from backup.archiver.request import Mount
from backup.archiver.scan import Amount, Scan
from backup.patterns.markers import CACHE_MARKER
from backup.patterns.patterns import NO_PATTERNS, Patterns, compile_patterns
from backup.sources.exclusion import Exclusion
from backup.sources.source import FolderSource
from tests.backing_up import back_up_mounts, make_repository


@pytest.mark.parametrize("patterns", [NO_PATTERNS, compile_patterns([b"*.log", b"/nowhere"])])
def test_it_counts_what_the_backup_counts(tmp_path: Path, patterns: Patterns) -> None:
    site = tmp_path / "site"
    for number in range(30):
        folder = site / f"d{number % 4}" / f"e{number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{number}.{'log' if number % 3 else 'txt'}").write_bytes(bytes(number))
    (site / "d1" / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55")
    (site / "link").symlink_to("d1")
    exclusion = Exclusion(patterns or None, 25, (CACHE_MARKER,))
    source = FolderSource(
        bytes(site),
        is_excluded=exclusion.path_test(),
        filter_names=exclusion.name_filter(lambda _folder, _marker: None),
    )

    summary = back_up_mounts(make_repository(), [Mount(b"/site", source)]).summary
    amount = _scan(source, FolderSource(bytes(tmp_path / "gone")))

    assert amount == (summary["total_files_processed"], summary["total_bytes_processed"])


def _scan(*sources: FolderSource) -> Amount:
    scan = Scan(sources)
    deadline = time.monotonic() + 30
    while scan.amount is None and time.monotonic() < deadline:
        time.sleep(0.001)
    scan.close()
    assert scan.amount is not None
    return scan.amount
