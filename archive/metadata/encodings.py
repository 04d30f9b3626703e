"""The encodings Vietnamese was written in before Unicode: their tables, and what tells them apart.

A declaration is no proof: pages in TCVN3 or VNI call themselves windows-1252, or UTF-8 after they
were moved. Vietnamese itself is the proof: its syllables follow strict rules (onset, vowels, coda,
tone), which the wrong table breaks in nearly every word. Pure.

| encoding | how it writes ế |
|---|---|
| `tcvn3` (ABC) | one byte; capitals are often a matter of the font |
| `vps` | one byte |
| `vni` | the letter, then a byte that is a mark: `eá` |
| `windows-1258` | ê, then a combining acute |
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

_TCVN3 = (
    "ÀẢÃÁẠẶẬÈẺẼÉẸỆÌỈĨÍỊÒỎÕÓỌỘỜỞỠỚỢÙỦŨ\xa0ĂÂÊÔƠƯĐăâêôơưđẰ\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴ"
    "ẮẦẨẪẤỀặầẩẫấậèỂẻẽéẹềểễếệìỉỄẾỒĩíịòỔỏõóọồổỗốộờởỡớợùỖủũúụừửữứựỳỷỹýỵỐ"
)
_VPS = (
    "ÀẢÃẤẦẨọỗĂếềểệẮẰẲẾ‘’ỀỂỄỐỒỔỖýỷỵỚỜỞ\xa0ắằẳẵặỠớÙờởỡŨỨợỪổỬỲỸÍÌộỈĨÓửữÒỎÕựầÁÂấẩẫậđẻÉÊẹỉễịỹ"
    "ƯỦồốÔỏơÈừứÚũưÝẺßàáâãảạăçèéêẽìíîĩẴĐòóôõöƠụùúủüỶẼỳ"
)
_VNI_MARKS = {
    "a": "ùø ûõï âáàåãä êéèúüë".replace(" ", ""),
    "e": "ùøûõïâáàåãä", "o": "ùøûõïâáàåãä", "u": "ùøûõï", "y": "ùøûõ", "ô": "ùøûõï", "ö": "ùøûõï",
}  # fmt: skip
_VNI_LETTERS = {
    "a": "áàảãạâấầẩẫậăắằẳẵặ", "e": "éèẻẽẹêếềểễệ", "o": "óòỏõọôốồổỗộ", "u": "úùủũụ", "y": "ýỳỷỹ",
    "ô": "ớờởỡợ", "ö": "ứừửữự",
}  # fmt: skip
_VNI_ALONE = {"ô": "ơ", "ö": "ư", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ", "ñ": "đ"}


def _single(letters: str) -> dict[int, str]:
    return dict(zip(range(0x80, 0x100), letters, strict=True))


def _vni_pairs() -> dict[str, str]:
    pairs = dict(_VNI_ALONE)
    for letter, marks in _VNI_MARKS.items():
        pairs |= {letter + mark: it for mark, it in zip(marks, _VNI_LETTERS[letter], strict=True)}
    upper = {key.upper(): it.upper() for key, it in pairs.items()}
    mixed = {key[0].upper() + key[1:]: it.upper() for key, it in pairs.items() if key[1:]}
    return {**mixed, **upper, **pairs}


_VNI = _vni_pairs()
_VNI_SEQUENCE = re.compile("|".join(sorted(map(re.escape, _VNI), key=len, reverse=True)))
_TCVN3_TABLE, _VPS_TABLE = _single(_TCVN3), _single(_VPS)
_WESTERN = {ord(bytes([it]).decode("cp1252", "replace")): it for it in range(0x80, 0xA0)}
_WESTERN.pop(0xFFFD)
_NEVER_WESTERN = re.compile(f"[^\x00-\xff{''.join(map(chr, _WESTERN))}]")


def _from_vni(text: str) -> str:
    western = text.translate(
        {it: bytes([it]).decode("cp1252", "replace") for it in range(128, 160)}
    )
    return _VNI_SEQUENCE.sub(lambda found: _VNI[found[0]], western)


def _from_1258(text: str) -> str:
    return text.encode("latin-1", "replace").decode("cp1258", "replace")


DECODERS: dict[str, Callable[[str], str]] = {
    "tcvn3": lambda text: text.translate(_TCVN3_TABLE),
    "vni": _from_vni,
    "vps": lambda text: text.translate(_VPS_TABLE),
    "windows-1258": _from_1258,
}
"""Encoding → makes text (not yet NFC) of text whose characters are the bytes, U+0080 to U+00FF."""


def as_bytes_text(text: str) -> str | None:
    """Give text whose characters are bytes again, where all of it was windows-1252 once.

    Old texts that somebody moved into UTF-8 as if they were windows-1252 come back so; None for a
    text with characters that windows-1252 does not have.
    """
    if text.isascii():
        return text
    # Vietnamese in Unicode has such a letter in its first words: little is looked at.
    return None if _NEVER_WESTERN.search(text) else text.translate(_WESTERN)


def read_once(text: str) -> str | None:
    """Give a text that was made UTF-8 twice as it was before; None where it was not.

    So comes what a program wrote as UTF-8 into a column that its database took for windows-1252
    (MySQL's latin1): all of it is such bytes, and these are UTF-8.
    """
    plain = as_bytes_text(text)
    if plain is None or plain.isascii():
        return None
    try:
        return plain.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return None


_TONES = {"\u0301": "1", "\u0300": "2", "\u0309": "3", "\u0303": "4", "\u0323": "5"}
_STOPPED = ("c", "ch", "p", "t")
_ONSET = "(?:ngh|ng|nh|gh|gi|kh|ph|qu|th|tr|ch|[bcdđghklmnpqrstvx])?"
_RIMES = {
    "a": "c ch i m n ng nh o p t u y", "ă": "c m n ng p t", "â": "c m n ng p t u y",
    "e": "c m n ng o p t", "ê": "c ch m n nh p t u", "i": "a ch m n nh p t u c",
    "iê": "c m n ng p t u", "yê": "m n ng t u", "o": "a e c i m n ng p t", "oo": "c ng",
    "oa": "c ch i m n ng nh o p t y", "oă": "c m n ng t", "oe": "n o t", "ô": "c i m n ng p t",
    "ơ": "i m n p t", "u": "a ê ơ y c i m n ng p t", "uâ": "n ng t y", "uê": "ch n nh",
    "uô": "c i m n ng t", "uy": "a ch n nh p t u", "uyê": "n t", "ư": "a c i ng t u m n",
    "ươ": "c i m n ng p t u", "y": "t",
}  # fmt: skip
_RIME = "|".join(f"{nucleus}(?:{ends.replace(' ', '|')})?" for nucleus, ends in _RIMES.items())
_SYLLABLE = re.compile(f"{_ONSET}(?:{_RIME})")
_PUNCTUATION = "“”‘’–—…«»•·°§©®\xa0\ufeff"
_WORD = re.compile(rf"(?:[^\W\d_]|[^\x00-\x7f{_PUNCTUATION}])+")


@lru_cache(maxsize=1 << 14)
def is_syllable(word: str) -> bool:
    """Say whether a word, as it is written, can be a Vietnamese syllable.

    >>> [is_syllable(it) for it in ("nghiệp", "Đồng", "xã", "ViÖt", "été", "hộich")]
    [True, True, True, False, False, False]
    """
    letters, tones = [], ""
    for character in unicodedata.normalize("NFD", word.lower()):
        if character in _TONES:
            tones += _TONES[character]
        else:
            letters.append(character)
    bare = unicodedata.normalize("NFC", "".join(letters))
    if len(tones) > 1 or not _SYLLABLE.fullmatch(bare):
        return False
    return not bare.endswith(_STOPPED) or tones in {"1", "5"}


def count_syllables(text: str) -> tuple[int, int]:
    """Count words with marks: (those that can be Vietnamese, all of them)."""
    words = Counter(it for it in _WORD.findall(unicodedata.normalize("NFC", text))
                    if not it.isascii())  # fmt: skip
    return sum(number for it, number in words.items() if is_syllable(it)), words.total()
