"""What differs from run to run, replaced: the one place that says what a record does not tell.

Each file of a record numbers by itself what it names, in the order in which it comes: ids and
secrets. A size, a duration and a number of a process are never told.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_HEX = r"(?<![0-9A-Za-z])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{8,128}(?![0-9A-Za-z])"
_CODE = r"\b[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}\b"
_BASE32 = r"(?<![0-9A-Za-z])[A-Z2-7]{32}(?![0-9A-Za-z])"
_BASE64 = r"(?<![\w+/-])(?=[\w+/-]*[A-Z])(?=[\w+/-]*[0-9])[A-Za-z0-9+/_-]{40,}={0,2}(?![\w+-])"
_HASH = r"\$argon2id\$[^\s\"]+"
_SIZE = r"(?<![\w.,]) *\d[\d.,]* ?(?:B|[KMGT]i?B|bytes?|byte)(?:/s|/giây)?(?![\w-]) *"
_SECONDS = (
    r"(?<![\w.,]) *(?:\d+ (?:phút|minutes?) )?\d+(?:[.,]\d+)? ?"
    r"(?:giây|seconds?|mili giây|ms|s)(?!\w) *"
)
_PROCESS = r"(?<=pid )\d+|(?<=pid=)\d+|(?<=process )\d+|(?<=tiến trình )\d+"
_PORT = r"(?<=127\.0\.0\.1:)\d{4,5}"
_SQUARE = r"(?:^[ \u2580-\u259f]*[\u2580-\u259f][ \u2580-\u259f]*\n?)+"
_KINDS = (
    ("id", _UUID), ("secret", f"{_HASH}|{_CODE}|{_BASE32}|{_BASE64}"), ("id", _HEX),
    ("size", _SIZE), ("duration", _SECONDS), ("process", _PROCESS), ("port", _PORT),
    ("set", r"(?<=share-near-)\d+|(?<=số bộ là )\d+"), ("square", _SQUARE),
)  # fmt: skip
_NUMBERED = frozenset({"id", "secret"})
_ANY = re.compile("|".join(f"({pattern})" for _kind, pattern in _KINDS), re.MULTILINE)
_GROUPS = [kind for kind, _pattern in _KINDS]
_COUNTED = re.compile(r"(?:^|[_.])(?:bytes?|size|seconds|pid|ms|identifier)(?:_|$)")
_OF_THE_CLOCK = re.compile(r"^event=clock-jumped .*\n", re.MULTILINE)  # for it stands
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class Stable:
    """Replaces for one file of a record.

    Args:
        known: What is known to differ → what is written in its place.
        ids: Short ids that are known, for those that no rule tells from a number.
        numbers: Whether numbers are told, which of a machine differ each time.
    """

    def __init__(
        self, known: Mapping[str, str], ids: frozenset[str] = frozenset(), *, numbers: bool = True
    ) -> None:
        self.known, self._numbers = known, numbers
        self._seen: dict[str, list[str]] = {"id": [], "secret": []}
        # As whole words: a machine called `vm` is in one of forty secrets by chance.
        names = [*map(re.escape, sorted(known, key=len, reverse=True)), *sorted(ids)]
        words = [rf"(?<![0-9A-Za-z]){it}(?![0-9A-Za-z])" for it in names]
        self._words = re.compile("|".join(words) or "(?!)")

    def text(self, text: str) -> str:
        """Give a text in which all of it is replaced."""
        told = self._words.sub(self._replace_known, _OF_THE_CLOCK.sub("", text))
        told = _ANY.sub(self._replace, told)
        return told if self._numbers else _NUMBER.sub("<number>", told)

    def value(self, value: Any, key: str = "") -> Any:
        """Give a JSON value in which all of it is replaced, figures by the names of their keys."""
        if isinstance(value, dict):
            return {self.text(name): self.value(it, name) for name, it in value.items()}
        if isinstance(value, list):
            return [self.value(it, key) for it in value]
        if isinstance(value, str):
            return self.text(value)
        if str(value) in self.known:
            return self.known[str(value)]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return "<number>" if is_number and (_COUNTED.search(key) or not self._numbers) else value

    def written(self, text: str) -> str:
        """Give what a program wrote; a JSON document, or one a line, with a line for each value."""
        try:
            document = json.loads(text)
        except ValueError:
            return self.text(text)
        if not isinstance(document, dict | list):
            return self.text(text)
        return json.dumps(self.value(document), ensure_ascii=False, indent=1) + "\n"

    def _replace_known(self, found: "re.Match[str]") -> str:
        word = found[0]
        return self.known[word] if word in self.known else self._name("id", word)

    def _replace(self, found: "re.Match[str]") -> str:
        kind = _GROUPS[(found.lastindex or 1) - 1]
        if kind == "square":
            return "<square>\n"
        if kind in _NUMBERED:
            return self._name(kind, found[0])
        before, after = _blanks_around(found[0])
        return f"{before}<{kind}>{after}"

    def _name(self, kind: str, word: str) -> str:
        """Number it; a short id is the same as the long one that begins or ends with it."""
        bare, seen = word.replace("-", "") if kind == "id" else word, self._seen[kind]
        for number, other in enumerate(seen, start=1):
            if other == bare or (
                kind == "id"
                and (other.startswith(bare) or other.endswith(bare) or bare.startswith(other))
            ):
                return f"<{kind} {number}>"
        seen.append(bare)
        return f"<{kind} {len(seen)}>"


def _blanks_around(text: str) -> tuple[str, str]:
    """Give one blank or two for those around a figure: how many depends on how long it is."""
    before, after = len(text) - len(text.lstrip()), len(text) - len(text.rstrip())
    return " " * min(before, 2), " " * min(after, 2)
