"""The patterns of --exclude or --include and their relatives."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from backup.errors import UsageError

if TYPE_CHECKING:  # most command lines have no patterns, and then need not load how
    from backup.patterns.patterns import Patterns


def add_pattern_flags(parser: argparse.ArgumentParser, word: str, what: str) -> None:
    """Declare --exclude or --include, which is `word`, and its relatives; `what` they do."""
    add = parser.add_argument
    add(f"-{word[0]}", f"--{word}", metavar="PATTERN", action="append", default=[], help=what)
    add(f"--i{word}", metavar="PATTERN", action="append", default=[],
        help=f"{what}, whatever the case")  # fmt: skip
    add(f"--{word}-file", metavar="FILE", action="append", default=[],
        help=f"file with patterns for --{word}, one a line")  # fmt: skip
    add(f"--i{word}-file", metavar="FILE", action="append", default=[],
        help=f"file with patterns for --i{word}")  # fmt: skip


def read_patterns(
    arguments: argparse.Namespace, environment: Mapping[str, str], word: str
) -> Patterns | None:
    """Read what the flags give; None where none was given.

    Raises:
        UsageError: A pattern makes no sense, or a file cannot be read.
    """
    typed, any_case = (getattr(arguments, f"{it}{word}") for it in ("", "i"))
    files, any_case_files = (getattr(arguments, f"{it}{word}_file") for it in ("", "i"))
    if not (files or any_case_files or typed or any_case):
        return None
    from backup.patterns.pattern_files import read_pattern_file
    from backup.patterns.patterns import compile_patterns

    def read_all(names: Iterable[str]) -> list[bytes]:
        return [it for name in names for it in read_pattern_file(read_list(name), environment)]

    return compile_patterns(
        [*map(os.fsencode, typed), *read_all(files)],
        [*map(os.fsencode, any_case), *read_all(any_case_files)],
    )


def read_list(file: str) -> bytes:
    """Read a file that a flag names; ``-`` is stdin.

    Raises:
        UsageError: It cannot be read.
    """
    if file == "-":
        from backup.sources.source import standard_input

        return standard_input().read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(
            "cannot read {file}",
            why="{reason}",
            data="nothing was stored",
            next_step="check its path and who may read it",
            file=file,
            reason=error.strerror or type(error).__name__,
        ) from error
