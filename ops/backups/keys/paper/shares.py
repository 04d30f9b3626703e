"""Split a password into SLIP-39 shares, and put shares together again.

One group, its members with a threshold, no passphrase, the reference implementation's defaults; so
the `shamir` tool and every other reader of SLIP-39 combine the same words. The words of a share are
known by their first four letters.

SLIP-39 splits a whole, even number of at least 16 bytes. A password is one line of text. Two forms,
told apart by their length alone:

- *base32*: the line is what Giữ Cổng itself makes, 52 characters of base32 (RFC 4648, capitals, no
  padding) that stand for 32 bytes. These 32 bytes are the secret; a share has 33 words.
- *text*: any other line. Its UTF-8 bytes, filled up at the end with line feeds (0x0A) to an even
  number of at least 34 bytes, are the secret. A password holds no line feed, so taking them off
  gives the line back.

Source: https://github.com/satoshilabs/slips/blob/master/slip-0039.md
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from shamir_mnemonic import MnemonicError, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.share import Share
from shamir_mnemonic.wordlist import WORDLIST

from ops.errors import OpsError, WrongUseError
from ops.terminal.exit_codes import report

Form = Literal["base32", "text"]

_BASE32_BYTES = 32
_BASE32_CHARACTERS = 52
_PADDING = "===="
_LEAST_TEXT_BYTES = 34
_MOST_TEXT_BYTES = 256
_FILL = b"\n"


def form_of(password: str) -> Form:
    """Tell in which form a password is split."""
    return "text" if _from_base32(password) is None else "base32"


def encode_password(password: str) -> bytes:
    """Give the master secret of a password.

    Args:
        password: One line, without its line feed.

    Raises:
        WrongUseError: It is empty, longer than 256 bytes, or more than one line.
    """
    raw = _from_base32(password)
    if raw is not None:
        return raw
    text = password.encode()
    if not text or len(text) > _MOST_TEXT_BYTES or _FILL in text:
        raise WrongUseError(
            "this password cannot be split: it has to be one line of 1 to {most} bytes",
            data="nothing was written",
            next_step="add a random one to the repository: `{program} backup.key-add`",
            most=_MOST_TEXT_BYTES,
        )
    length = max(_LEAST_TEXT_BYTES, len(text) + len(text) % 2)
    return text.ljust(length, _FILL)


def decode_password(secret: bytes) -> str:
    """Give the password back.

    Raises:
        ShareError: It is not text; the shares are of something else.
    """
    if len(secret) == _BASE32_BYTES:
        return base64.b32encode(secret).decode().rstrip("=")
    try:
        password = secret.rstrip(_FILL).decode()
    except UnicodeDecodeError:
        password = ""
    if not password:
        raise ShareError(
            "the shares fit together, but what they hold is no repository password",
            why="they were made by another program, or with a passphrase",
            data="nothing was written",
            next_step="look for the shares that Giữ Cổng printed",
        )
    return password


def _from_base32(password: str) -> bytes | None:
    """Give the 32 bytes of a line that is exactly what they are written as."""
    if len(password) != _BASE32_CHARACTERS:
        return None
    try:
        raw = base64.b32decode(password + _PADDING)
    except (binascii.Error, ValueError):
        return None
    is_exact = base64.b32encode(raw).decode().rstrip("=") == password
    return raw if is_exact else None


MOST_SHARES = 16
_LEAST_THRESHOLD = 2
_UNIQUE_LETTERS = 4
_NUMBERED = re.compile(r"(\d{1,2})\.\s*([a-z]+)")
_NUMBERED_LINE = re.compile(r"^\s*(?:\d{1,2}\.\s*[a-z]+\s*)+$")

_BY_BEGINNING: dict[str, str] = {word[:_UNIQUE_LETTERS]: word for word in WORDLIST}


class ShareError(OpsError):
    """Shares that cannot be read, or do not fit together. Says which, never a word of it."""


@dataclass(frozen=True, slots=True)
class ShareSet:
    """The shares of one split.

    Attributes:
        identifier: SLIP-39's number of the set, 0 to 32 767; the same in all of its shares.
        threshold: How many of them give the password.
        shares: Words of each; secret.
    """

    identifier: int
    threshold: int
    shares: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Combined:
    """What shares gave.

    Attributes:
        identifier: Of their set.
        password: Secret.
    """

    identifier: int
    password: str


def check_threshold(threshold: int, count: int) -> None:
    """Refuse what SLIP-39 cannot do, or what one person alone could open.

    Raises:
        WrongUseError: It is not 2 <= threshold <= count <= 16.
    """
    if _LEAST_THRESHOLD <= threshold <= count <= MOST_SHARES:
        return
    raise WrongUseError(
        "{threshold} of {count} shares cannot be made",
        why="the threshold is at least {least} and at most the number of holders, who are at most"
        " {most}",
        data="nothing was written",
        next_step="name the holders with `--holder NAME`, one flag each, e.g. five, and"
        " `--threshold 3`",
        threshold=threshold,
        count=count,
        least=_LEAST_THRESHOLD,
        most=MOST_SHARES,
    )


def split_password(password: str, *, threshold: int, count: int) -> ShareSet:
    """Split a password; every share is proven to give it back together with its neighbours.

    Args:
        password: One line.
        threshold: How many shares give it back.
        count: How many shares there are.

    Raises:
        WrongUseError: The numbers or the password do not fit.
        ShareError: The shares do not give the password back.
    """
    check_threshold(threshold, count)
    ((*mnemonics,),) = generate_mnemonics(1, [(threshold, count)], encode_password(password))
    for first in range(count):
        some = [mnemonics[(first + step) % count] for step in range(threshold)]
        if combine_shares(some).password != password:
            raise ShareError(
                "the shares do not give the password back",
                why="the memory, processor or a library of this machine is faulty",
                data="nothing was written",
                next_step="try again on another machine",
            )
    identifier = Share.from_mnemonic(mnemonics[0]).identifier
    return ShareSet(identifier, threshold, tuple(tuple(it.split()) for it in mnemonics))


def combine_shares(texts: Sequence[str]) -> Combined:
    """Put shares together.

    Args:
        texts: Each one share: its words, or the text of its whole page. More than needed are fine.

    Raises:
        ShareError: One is mistyped, of another set, or there are too few.
    """
    shares = [read_share(text, number) for number, text in enumerate(texts, start=1)]
    _check_together(shares)
    needed = shares[0].member_threshold
    try:
        secret = combine_mnemonics([share.mnemonic() for share in shares[:needed]])
    except MnemonicError as error:
        raise ShareError(
            "the shares do not fit together",
            why="one of them was changed although its own check holds",
            data="nothing was written",
            next_step="take the share of another holder in the place of each, one after the other",
        ) from error
    return Combined(shares[0].identifier, decode_password(secret))


def read_share(text: str, number: int = 1) -> Share:
    """Read one share and prove its check words.

    Args:
        text: As for `combine_shares`.
        number: Which one it is, for the message.

    Raises:
        ShareError: It is mistyped.
    """
    words = [_full_word(word, place, number) for place, word in enumerate(_words(text), start=1)]
    try:
        return Share.from_mnemonic(" ".join(words))
    except MnemonicError as error:
        raise ShareError(
            "share {share} has a mistake: its {count} words do not pass their own check",
            why="a word is missing, twice there, in the wrong place, or another one of the list",
            data="nothing was written",
            next_step="compare it with the paper word by word",
            share=number,
            count=len(words),
        ) from error


def _words(text: str) -> list[str]:
    lower = text.lower()
    lines = [line for line in lower.splitlines() if _NUMBERED_LINE.match(line)]
    if not lines:
        return lower.split()
    pairs = [(int(it[0]), it[1]) for line in lines for it in _NUMBERED.findall(line)]
    return [word for _place, word in sorted(pairs)]


def _full_word(word: str, place: int, number: int) -> str:
    full = _BY_BEGINNING.get(word[:_UNIQUE_LETTERS], "")
    if (full and full.startswith(word)) or full == word:
        return full
    raise ShareError(
        "word {place} of share {share} is not in the list of words",
        data="nothing was written",
        next_step="compare it with the paper; the first four letters of a word are enough",
        place=place,
        share=number,
    )


def _check_together(shares: Sequence[Share]) -> None:
    if not shares:
        raise ShareError(
            "no share was given",
            data="nothing was written",
            next_step="type the words of each share, or give `--share FILE` for each",
        )
    first = shares[0]
    for number, share in enumerate(shares, start=1):
        if share.common_parameters() != first.common_parameters():
            raise ShareError(
                "share {share} is of another set than the first one",
                why="its number is {other}, that of the first one is {number}",
                data="nothing was written",
                next_step="take the papers with the same number",
                share=number,
                other=share.identifier,
                number=first.identifier,
            )
        if share.index in {other.index for other in shares[: number - 1]}:
            raise ShareError(
                "share {share} was given twice",
                data="nothing was written",
                next_step="take the paper of another holder",
                share=number,
            )
    if len(shares) < first.member_threshold:
        raise ShareError(
            "{count} shares are too few: {needed} are needed",
            data="nothing was written",
            next_step="ask more holders for their papers",
            count=len(shares),
            needed=first.member_threshold,
        )


_PARTED = re.compile(r"[a-z ]+(?:/[a-z ]+)+")
"""Bare words and slashes: a whole sheet may have slashes of its own."""


def collect_shares(ask: Callable[[int], str]) -> list[str]:
    """Collect as many shares as the first one says it takes; a mistyped one is asked for again.

    Args:
        ask: Gives the words of a share, by its number from 1; empty where nobody answers.

    Returns:
        The full words of each; fewer where nobody answered any more.
    """
    typed: list[str] = []
    needed = 1
    while len(typed) < needed:
        words = ask(len(typed) + 1).strip()
        if not words:
            break
        try:
            share = read_share(words, len(typed) + 1)
        except OpsError as error:
            report(error)
            continue
        needed = share.member_threshold
        typed.append(share.mnemonic())
    return typed


def split_shares(text: str) -> list[str]:
    """Give the shares of a text: one, or several parted by a slash; none of an empty text."""
    whole = text.strip()
    if not _PARTED.fullmatch(whole):
        return [whole] if whole else []
    return [it.strip() for it in whole.split("/")]
