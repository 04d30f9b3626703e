"""Vietnamese and code-like text with realistic entropy, quickly.

Text is drawn once, word by word, into a pool of some tens of megabytes; a file is then made of
whole sentences (or lines) cut from random places of the pool. Two files, or two places of one file,
share a passage too rarely for a compressor's window of 2 MiB to profit, and never long enough for a
chunk of 512 KiB to be found twice: the pool is as hard to compress and deduplicate as fresh text.
"""

import tomllib
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

_LISTS = tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text(encoding="utf-8"))
NAMES: list[str] = _LISTS["names"].split()
SLUGS: list[str] = _LISTS["slugs"].split()
POOL_BYTES = 48_000_000
CODE_POOL_BYTES = 12_000_000


@dataclass(frozen=True, slots=True)
class Pool:
    """Text to cut passages from.

    Attributes:
        text: UTF-8, made of whole pieces (sentences or lines).
        starts: Offsets of the pieces in bytes, ascending.
    """

    text: bytes
    starts: np.ndarray[tuple[int], np.dtype[np.int64]]

    def cut(self, place: float, size: int) -> bytes:
        """Return exactly `size` bytes from the piece nearest to `place` on, wrapping at the end.

        Args:
            place: Where to begin, a share of the pool from 0 to below 1.
            size: Bytes wanted; a character of several bytes may be cut at the end.
        """
        begin = int(self.starts[int(place * len(self.starts))])
        passage = self.text[begin : begin + size]
        while len(passage) < size:
            passage += self.text[: size - len(passage)]
        return passage


@dataclass(frozen=True, slots=True)
class Pools:
    """All pools of one seed."""

    prose: Pool
    php: Pool
    script: Pool
    style: Pool
    data: Pool


def make_pools(seed: int, *, size: int = POOL_BYTES, code_size: int = CODE_POOL_BYTES) -> Pools:
    """Draw the pools; the same seed and sizes give the same bytes.

    Args:
        seed: Any non-negative number.
        size: Bytes of prose, roughly.
        code_size: Bytes of each kind of code, roughly.
    """
    rng = np.random.default_rng([seed, 1])
    words = _vocabulary(rng)
    return Pools(
        prose=_prose(rng, words, size),
        php=_lines(rng, PHP_LINES, words, code_size),
        script=_lines(rng, SCRIPT_LINES, words, code_size),
        style=_lines(rng, STYLE_LINES, words, code_size),
        data=_lines(rng, DATA_LINES, words, code_size),
    )


PHP_LINES = (
    "\tpublic function get_%s( $%s ) {\n\t\treturn apply_filters( '%s', $this->%s );\n\t}\n",
    "\t\tif ( ! empty( $%s['%s'] ) ) {\n\t\t\t$%s = sanitize_text_field( $%s );\n\t\t}\n",
    "\t\t$%s = $this->%s( $%s, '%s' );\n",
    "/**\n * Trả về %s của %s, xem %s.\n *\n * @param string $%s\n */\n",
    "add_action( '%s_%s', array( $this, '%s' ), 10, 2 ); // %s\n",
    "\t\tforeach ( $%s as $%s => $%s ) {\n\t\t\t$%s++;\n\t\t}\n",
    "<div class=\"%s %s\"><?php echo esc_html__( '%s', '%s' ); ?></div>\n",
    "\t\twp_cache_set( '%s', $%s, '%s', 3600 ); // %s\n",
)
SCRIPT_LINES = (
    "function %s(%s,%s){return %s}\n",
    "var %s=this.%s.%s(%s);",
    "if(%s!==%s&&%s>0){%s()}",
    "export const %s = ({ %s, %s }) => useSelect((%s) => select(store));\n",
    "\t$(document).on('click', '.%s-%s', function (%s) { %s.preventDefault(); });\n",
    "/* %s %s %s %s */\n",
)
STYLE_LINES = (
    ".%s-%s .%s{margin:0 auto;padding:.5em 1em}\n/* %s */",
    ".%s > .%s::before {\n\tcontent: \"%s\";\n\tfont-family: '%s', sans-serif;\n}\n",
    "@media (max-width: 782px) { .%s .%s { display: none } .%s, .%s { float: left } }\n",
    "#%s .%s:hover,#%s .%s:focus{color:#0a58ca;text-decoration:underline}",
)
DATA_LINES = (
    '{"id":"%s","title":"%s","slug":"%s","parent":"%s"},\n',
    '\t"%s %s": ["%s %s"],\n',
    '"%s":{"type":"string","default":"%s","source":"%s","selector":".%s"},',
)


def _vocabulary(rng: np.random.Generator) -> list[str]:
    """Return distinct words, the frequent ones first: real words and phrases, then rare ones."""
    real = _LISTS["words"].split()
    syllables = [
        onset + rime for onset in _LISTS["onsets"].split() for rime in _LISTS["rimes"].split()
    ]
    picked = rng.permutation(len(syllables))
    numbers = [str(number) for number in rng.permutation(3000)[:900].tolist()]
    acts = [f"{number}/QĐ-UBND" for number in rng.permutation(5000)[:500].tolist()]
    pairs = [f"{one} {two}" for one, two in pairwise(real)]
    phrases = [pairs[place] for place in rng.permutation(len(pairs)).tolist()]
    rare = [syllables[place] for place in picked.tolist()] + numbers + acts + NAMES
    mixed = [rare[place] for place in rng.permutation(len(rare)).tolist()]
    common = [word for couple in zip(real, phrases, strict=False) for word in couple]
    return list(dict.fromkeys(common + mixed))


def _ranks(
    rng: np.random.Generator, words: int, draws: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Draw word numbers by Zipf's law with a flattened head, as in running text."""
    weights = 1.0 / (np.arange(words) + 5.0)
    edges = np.cumsum(weights / weights.sum())
    return np.minimum(np.searchsorted(edges, rng.random(draws)), words - 1)


def _prose(rng: np.random.Generator, words: list[str], size: int) -> Pool:
    """Draw sentences of 6 to 30 words, grouped in HTML paragraphs."""
    count = len(words)
    tokens = [f"{word} ".encode() for word in words]
    tokens += [f"{word[0].upper()}{word[1:]} ".encode() for word in words]
    tokens += [f"{word}. ".encode() for word in words]
    tokens += [f"{word}.</p>\n<p>".encode() for word in words]
    tokens += [f"{word}, ".encode() for word in words]
    draws = max(size // 6, 400)
    numbers = _ranks(rng, count, draws)
    ends = np.cumsum(rng.integers(6, 30, size=draws // 6 + 2))
    ends = ends[ends < draws - 1]
    starts = np.concatenate([[0], ends[:-1] + 1])
    commas = rng.random(draws) < 0.06  # noqa: PLR2004 - a comma after every sixteenth word
    commas[starts] = False
    commas[ends] = False
    numbers[commas] += 4 * count
    numbers[starts] += count
    numbers[ends] += np.where(rng.random(len(ends)) < 0.2, 3, 2) * count  # noqa: PLR2004 - 5 a <p>
    lengths = np.array([len(token) for token in tokens])[numbers]
    offsets = np.cumsum(lengths) - lengths
    text = b"".join([tokens[number] for number in numbers.tolist()])
    return Pool(text=text, starts=offsets[starts])


def _lines(
    rng: np.random.Generator, templates: tuple[str, ...], words: list[str], size: int
) -> Pool:
    """Fill line templates of four places each with identifiers made of one or two words."""
    mean = 4 * 11 + sum(len(template) - 8 for template in templates) // len(templates)
    draws = max(size // mean, 50)
    stems = [_identifier(word) for word in words]
    first = _ranks(rng, len(stems), draws * 4).tolist()
    second = _ranks(rng, len(stems), draws * 4).tolist()
    both = (rng.random(draws * 4) < 0.3).tolist()  # noqa: PLR2004 - share of two-word identifiers
    names = [
        f"{stems[one]}_{stems[two]}" if pair else stems[one]
        for one, two, pair in zip(first, second, both, strict=True)
    ]
    kinds = rng.integers(0, len(templates), size=draws).tolist()
    groups = zip(*[iter(names)] * 4, strict=True)
    lines = [(templates[kind] % group).encode() for kind, group in zip(kinds, groups, strict=True)]
    lengths = np.array([len(line) for line in lines])
    return Pool(text=b"".join(lines), starts=np.cumsum(lengths) - lengths)


def _identifier(word: str) -> str:
    """Return the word without marks, blanks and capitals, as programmers write it."""
    plain = unicodedata.normalize("NFD", word.lower().replace("đ", "d"))
    return "".join("_" if letter in " -/" else letter for letter in plain if letter < "\x80")
