"""A dump of pg_dump cut into its statements, so that each is run by whom it needs.

Who may run what depends on words that stand outside of all quotes, which is decided as psql itself
reads SQL. It is no guard against commands of psql: that is psql's own (`postgresql_scripts`).

source: src/fe_utils/psqlscan.l of PostgreSQL
"""

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from backup.errors import SourceError

_LONGEST = 64 << 20
"""Bytes of a statement; none of a dump's comes near, since rows are none."""

_NEXT = re.compile(
    rb"(?<![\w$\x80-\xff])[eE]'|['\";()]|--[^\n]*|/\*"
    rb"|\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$|[A-Za-z_\x80-\xff][\w$\x80-\xff]*"
)
_REST_OF_ESCAPED = re.compile(rb"(?:[^\\']|\\.|'')*+'", re.DOTALL)
_NESTED = re.compile(rb"/\*|\*/")
_BEFORE_ROWS = re.compile(rb"COPY .* FROM stdin;", re.DOTALL)
_NO_ROWS_MORE = b"\\.\n"
_WITH_BODY = re.compile(rb"\s*create (?:or replace )?(?:function|procedure)\b", re.IGNORECASE)


class Part(NamedTuple):
    r"""A piece of a dump.

    Attributes:
        text: As in the dump: a statement with what stands before it; or rows, up to their `\.`.
        words: What of a statement stands outside of quotes and comments; each quoted thing is but
            its closing quote there. Empty for rows.
    """

    text: bytes
    words: bytes


def split_dump(pieces: Iterable[bytes]) -> Iterator[Part]:
    """Yield a dump's parts in their order; joined they are the dump.

    Raises:
        SourceError: A statement is too long to be one of a dump.
    """
    lines = _Lines(pieces)
    statement = _Statement()
    while line := lines.take():
        for part in statement.add(line):
            yield part
            if _BEFORE_ROWS.fullmatch(part.words) and part.text.endswith(b"\n"):
                for rows in lines.take_rows():
                    yield Part(rows, b"")
    yield Part(bytes(statement.text), b"")


class _Lines:
    """What is left of a dump."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = b""
        self._at = 0

    def take(self) -> bytes:
        """Take a line; empty at the end."""
        while (end := self._held.find(b"\n", self._at)) < 0:
            if len(self._held) - self._at > _LONGEST:
                raise _too_long()
            if not self._read_on():
                end = len(self._held) - 1
                break
        begin, self._at = self._at, end + 1
        return self._held[begin : self._at]

    def take_rows(self) -> Iterator[bytes]:
        """Yield all up to the line that ends rows, in pieces."""
        is_new = True  # whether what is held begins with a line
        while True:
            held = self._held
            if is_new and held.startswith(_NO_ROWS_MORE, self._at):
                end = self._at + len(_NO_ROWS_MORE)
            else:
                found = held.find(b"\n" + _NO_ROWS_MORE, self._at)
                end = found + 1 + len(_NO_ROWS_MORE) if found >= 0 else 0
            if end:
                yield held[self._at : end]
                self._at = end
                return
            keep = len(_NO_ROWS_MORE)
            ready = max(self._at, len(held) - keep)
            if ready > self._at:
                yield held[self._at : ready]
                self._at, is_new = ready, held[ready - 1 : ready] == b"\n"
            if not self._read_on():
                yield self._held[self._at :]
                self._at = len(self._held)
                return

    def _read_on(self) -> bool:
        piece = next(self._pieces, b"")
        self._held = self._held[self._at :] + piece
        self._at = 0
        return bool(piece)


class _Statement:
    """A statement that is not at its end yet, as psql would read it."""

    def __init__(self) -> None:
        self.text = bytearray()
        self._words = bytearray()
        self._closer = b""  # of the quotes or the comment that it is in
        self._depth = 0  # of parentheses
        self._body = 0  # of BEGIN and CASE in a body that is no text
        self._comments = 0

    def add(self, line: bytes) -> Iterator[Part]:
        """Read on; yields what has come to its end."""
        begin = at = 0
        while at < len(line):
            if self._closer:
                at = self._close(line, at)
                continue
            found = _NEXT.search(line, at)
            end = found.end() if found else len(line)
            self._words += line[at : found.start() if found else end]
            at = end
            if found and self._meet(found[0]):
                at = at if line[at:].strip() else len(line)
                self.text += line[begin:at]
                yield Part(bytes(self.text), bytes(self._words).lstrip())
                self.text.clear()
                self._words.clear()
                begin = at
        self.text += line[begin:]
        if len(self.text) > _LONGEST:
            raise _too_long()

    def _meet(self, token: bytes) -> bool:
        """Take what has a meaning; tells whether the statement ends with it."""
        if token in (b"'", b'"') or token[:1] == b"$":
            self._closer = token
        elif token in (b"e'", b"E'"):
            self._closer = b"E'"
        elif token == b"/*":
            self._closer, self._comments = b"*/", 1
        elif not token.startswith(b"--"):
            self._words += token
            if token == b";":
                return not self._depth and not self._body
            self._nest(token.lower())
        return False

    def _nest(self, token: bytes) -> None:
        if token == b"(":
            self._depth += 1
        elif token == b")":
            self._depth = max(0, self._depth - 1)
        elif token in (b"begin", b"case", b"end") and not self._depth:
            if token == b"end":
                self._body = max(0, self._body - 1)
            elif self._body or (token == b"begin" and _WITH_BODY.match(self._words)):
                self._body += 1

    def _close(self, line: bytes, at: int) -> int:
        """Pass over what is quoted, or a comment; gives where that ends in the line."""
        if self._closer == b"*/":
            for found in _NESTED.finditer(line, at):
                self._comments += 1 if found[0] == b"/*" else -1
                if not self._comments:
                    self._closer = b""
                    return found.end()
            return len(line)
        if self._closer == b"E'":
            ended = _REST_OF_ESCAPED.match(line, at)
            end = ended.end() if ended else -1
        else:
            end = line.find(self._closer, at)
            end += len(self._closer) if end >= 0 else 0
        if end < 0:
            return len(line)
        self._words += self._closer[-1:]
        self._closer = b""
        return end


def _too_long() -> SourceError:
    return SourceError(
        "the dump has a statement of more than {size} bytes",
        why="pg_dump writes none: somebody has changed the dump",
        data="nothing of it was loaded",
        next_step="keep the snapshot for whoever looks into it, and load an older one",
        size=_LONGEST,
    )


_FIRST = re.compile(
    rb"(?:SET|SELECT pg_catalog\.set_config|CREATE (?:SCHEMA|EXTENSION|COLLATION))\b"
)
_LAST = re.compile(
    rb"(?:GRANT|REVOKE|COMMENT ON|SECURITY LABEL|ALTER DEFAULT PRIVILEGES|(?:CREATE|ALTER) EVENT"
    rb" TRIGGER|(?:RE)?SET SESSION AUTHORIZATION|CREATE SUBSCRIPTION)\b"
    rb"|CREATE PUBLICATION \S+ FOR ALL TABLES\b|ALTER PUBLICATION \S+ ADD TABLES IN SCHEMA\b"
    rb"|ALTER [^;]* OWNER TO [^\s;]+;\Z"
)


_NUMBERED = re.compile(rb"SELECT pg_catalog\.setval\(', \d+, (?:true|false)\);")


class DividedDump:
    """A dump's statements by who has to run them: an administrator, or whoever makes the objects.

    An administrator's are only those that compute nothing of the site's: schemas and extensions
    before; rows of extensions, owners, rights and comments after all others.

    Attributes:
        encoding: The statement by which the dump sets its encoding; empty where it has none.
        schemas: Statements that make them.
        extensions: Statements that make them.
        of_extensions: Tables and sequences of extensions as the server names them, quoted; to be
            set before `rest` is read.
        after: Statements and rows, filled while `rest` is read.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.encoding = b""
        self.schemas: list[bytes] = []
        self.extensions: list[bytes] = []
        self.of_extensions: Collection[bytes] = ()
        self.after = bytearray()
        self._parts = split_dump(pieces)
        self._head: list[Part] = []

    def read_head(self) -> None:
        """Read up to the first statement that is none of those that come before all others."""
        for part in self._parts:
            if part.words.startswith(b"CREATE SCHEMA "):
                self.schemas.append(part.text)
                continue
            if part.words.startswith(b"CREATE EXTENSION "):
                self.extensions.append(part.text)
            if part.words.startswith(b"SET client_encoding"):
                self.encoding = part.text
            self._head.append(part)
            if not _FIRST.match(part.words) and not _LAST.match(part.words):
                return

    def rest(self) -> Iterator[bytes]:
        """Yield all that is neither before nor after.

        Raises:
            SourceError: What comes after is too long to be kept.
        """
        is_last = False
        for part in chain(self._head, self._parts):
            if part.words:  # rows go where the statement before them went
                is_last = _LAST.match(part.words) is not None or self._is_of_extension(part)
            if not is_last:
                yield part.text
                continue
            self.after += part.text
            if len(self.after) > _LONGEST:
                raise _too_long()

    def _is_of_extension(self, part: Part) -> bool:
        """Tell whether rows or a number of an extension's own follow.

        A table is known by what stands outside of quotes, so that none of the site's passes for
        one. To set a number computes nothing, whosesoever it is.
        """
        if _NUMBERED.fullmatch(part.words):
            return any(b"setval('%s'," % it in part.text for it in self.of_extensions)
        return any(part.words.startswith(b"COPY %s (" % it) for it in self.of_extensions)
