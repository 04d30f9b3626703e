"""What to prune, and how far to go."""

from dataclasses import dataclass
from fractions import Fraction

from backup.packs import TARGET_SIZE
from backup.quantities import UnusedLimit

DEFAULT_UNUSED = UnusedLimit(percent=Fraction(5))
SMALL_SHARE = Fraction(8, 10)


@dataclass(frozen=True, slots=True)
class PruneRequest:
    """What to prune, and how far to go; the names and defaults are restic's.

    Attributes:
        max_unused: How much unused data may stay inside packs of data.
        max_repack_bytes: Stop before more than this is repacked; None for no limit.
        repack_small: Join packs below 80 % of the usual size, where there are ten or more.
        repack_smaller_than: Join packs below so many bytes instead; 0 for that share.
        repack_uncompressed: Compress data blobs that are stored plain.
        repack_cacheable_only: Repack packs of trees only.
        allow_empty: Go on where there is no snapshot at all, and so remove all data.
        workers: Processes; None for as many as suit, 0 for this thread alone, deletes included.
    """

    max_unused: UnusedLimit = DEFAULT_UNUSED
    max_repack_bytes: int | None = None
    repack_small: bool = False
    repack_smaller_than: int = 0
    repack_uncompressed: bool = False
    repack_cacheable_only: bool = False
    allow_empty: bool = False
    workers: int | None = None

    @property
    def small_limit(self) -> int:
        """Below how many bytes a pack without unused data is joined with others; 0 for never."""
        if self.repack_smaller_than:
            return self.repack_smaller_than
        return int(TARGET_SIZE * SMALL_SHARE) if self.repack_small else 0
