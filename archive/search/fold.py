"""Vietnamese words with and without their marks; pure.

SQLite's own folding takes tone marks away and leaves đ, so that "dat dai" would not find "đất đai";
and once folded, exact search is lost. Hence two columns: the text in NFC, and our fold of it.
"""

import codecs
import re
import unicodedata

_LETTERS = "àáâãèéêìíòóôõùúýăđĩũơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"
_OTHERS = "äåæçëïñöøüœß–—‘’“”…•°§«»·½²³´\xa0"
_PAGE = "".join(map(chr, range(128))) + _LETTERS + _OTHERS
_TO_BYTES = codecs.charmap_build(_PAGE)

_D = str.maketrans({"đ": "d", "Đ": "d"})
_MARKS = re.compile("[\u0300-\u036f]+")  # what Latin letters combine with
_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Give a text in small letters, without marks, đ as d.

    >>> fold("Đất đai ở Đồng Nai")
    'dat dai o dong nai'
    """
    if text.isascii():
        return text.lower()
    try:  # a page of 256 characters holds nearly every text: ten times as fast as the rule itself
        page, _count = codecs.charmap_encode(text.lower(), "strict", _TO_BYTES)
    except UnicodeEncodeError:
        return _fold_any(text)
    return codecs.charmap_decode(page, "strict", _FOLDED)[0]


def _fold_any(text: str) -> str:
    return _MARKS.sub("", unicodedata.normalize("NFD", text)).translate(_D).lower()


_FOLDED = "".join(map(_fold_any, _PAGE))


def make_match(text: str) -> str:
    """Give the FTS5 expression for what a person typed.

    All words must occur; words between quotation marks stand together. A word with marks is looked
    for as it is written, one without also finds those with marks.

    >>> make_match('đất "dong nai"')
    'exact:("đất") AND folded:("dong nai")'

    Returns:
        Empty where the text has no words.
    """
    found: list[str] = []
    for number, part in enumerate(unicodedata.normalize("NFC", text).split('"')):
        words = _WORD.findall(part)
        found += [" ".join(words)] if number % 2 and words else words
    return " AND ".join(_term(words) for words in found)


def _term(words: str) -> str:
    folded = fold(words)
    column = "folded" if folded == words.lower() else "exact"
    return f'{column}:("{words if column == "exact" else folded}")'


def split_hits(text: str, typed: str) -> list[tuple[str, bool]]:
    """Part a text at the words that a person looked for; the parts together are the text.

    >>> split_hits("Hỏi về đất đai", "dat")
    [('Hỏi về ', False), ('đất', True), (' đai', False)]
    """
    wanted = {word.lower() for word in _WORD.findall(unicodedata.normalize("NFC", typed))}
    parts, begin = list[tuple[str, bool]](), 0
    for found in _WORD.finditer(text):
        word = found.group()
        if word.lower() in wanted or fold(word) in wanted:
            parts += [(text[begin : found.start()], False), (word, True)]
            begin = found.end()
    return [part for part in (*parts, (text[begin:], False)) if part[0]]
