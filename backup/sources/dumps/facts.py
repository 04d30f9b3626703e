"""What is known of a dump of a database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpFacts:
    """What is known of a dump that was read to its end.

    Attributes:
        consistent_at: The moment whose state the dump holds, at the earliest; aware UTC.
        copied_at: When its last byte was read; aware UTC.
        size_bytes: Of the dump.
        server: Product and version of the server.
        program: Product and version of the program that wrote the dump.
        settings: What of the database a restore needs to know: character set, collation, mode.
        tables: Rows by table, names ascending; None where they could not be counted.
        tables_after: The same counted again after the dump, where the dump's own snapshot cannot
            be counted; the dump's rows lie between the two. None where `tables` is exact.
        unsafe_tables: Tables whose engine knows no transactions and that were not locked: what
            was written to them during the dump may be half in it.
        without_history: Tables that keep their own history, of which only the present rows are in
            the dump.
        problems: What a check of the dump found; dumps are either whole or refused.
    """

    consistent_at: datetime
    copied_at: datetime
    size_bytes: int
    server: str
    program: str
    settings: Mapping[str, str]
    tables: Mapping[str, int | None]
    tables_after: Mapping[str, int | None] | None = None
    unsafe_tables: tuple[str, ...] = ()
    without_history: tuple[str, ...] = ()
    problems: tuple[str, ...] = field(default=())

    @property
    def is_consistent(self) -> bool:
        """Whether all of it is of one moment."""
        return not self.unsafe_tables
