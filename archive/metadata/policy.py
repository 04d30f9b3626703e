"""Which formats the archive takes: what runs by itself is refused, what is at risk told of; pure.

Everything else is taken, unknown formats too: what a portal published is kept as it was.
"""

from collections.abc import Mapping

from archive.metadata.findings import Format

_EXECUTABLE = {
    "Windows": ("fmt/899", "fmt/900", "x-fmt/409", "x-fmt/410", "x-fmt/411"),
    "ELF": ("fmt/688", "fmt/689", "fmt/690", "fmt/691"),
    "Mach-O": ("fmt/692", "fmt/693"),
    "Java": ("x-fmt/415",),
    "Dalvik": ("fmt/694",),
    "script": ("x-fmt/413", "fmt/1089"),
}
REFUSED: Mapping[str, str] = {it: kind for kind, puids in _EXECUTABLE.items() for it in puids}
"""PRONOM id → which kind of program it is."""

_DOUBTFUL_IDS: Mapping[str, str] = {
    **dict.fromkeys(("fmt/523", "fmt/445", "fmt/487", "fmt/599", "fmt/627"), "has macros"),
    **dict.fromkeys(("x-fmt/264", "fmt/411", "fmt/613"), "a closed package format"),
    "x-fmt/412": "a program inside a package",
    "fmt/494": "is encrypted: nobody can look into it",
}
_DOUBTFUL_TYPES: Mapping[str, str] = {
    "application/x-shockwave-flash": "no program of today shows it",
    "video/x-flv": "few programs of today show it",
}
_SAME = ({"text/html", "application/xhtml+xml"}, {"text/xml", "application/xml"},
         {"image/jpeg", "image/jpg", "image/pjpeg"}, {"text/javascript", "application/javascript"},
         {"application/rtf", "text/rtf"}, {"audio/mp3", "audio/mpeg"})  # fmt: skip
_ANY = frozenset({"application/octet-stream", "binary/octet-stream", "application/force-download"})


def doubt_of(found: Format) -> str:
    """Give why a format that is taken is at risk; empty where it is not."""
    first = found.media_type.split(",")[0].strip()
    return _DOUBTFUL_IDS.get(found.puid) or _DOUBTFUL_TYPES.get(first, "")


def differs(declared: str, found: Format) -> str:
    """Give what a file was found to be, where that is not what it was declared to be.

    Text of any kind declared as text is no difference: PRONOM tells markup by a few words.
    """
    told = declared.split(";", maxsplit=1)[0].strip().lower()
    kinds = {it.strip().lower() for it in found.media_type.split(",") if it.strip()}
    if not told or told in _ANY or not kinds or told in kinds or _is_text(told, kinds):
        return ""
    if any(told in same and kinds & same for same in _SAME):
        return ""
    return next(iter(sorted(kinds)))


def _is_text(told: str, kinds: set[str]) -> bool:
    texts = ("text/", "application/json", "application/xml", "application/xhtml")
    is_structured = told.startswith(texts) or told.endswith(("+xml", "+json"))
    return is_structured and any(it.startswith(texts) or it.endswith("+xml") for it in kinds)


def refusals(formats: Mapping[str, Format]) -> dict[str, str]:
    """Give what may not be archived: path → why, in words."""
    return {
        path: f"{path} is a program ({REFUSED[found.puid]}, {found.puid})"
        for path, found in sorted(formats.items())
        if found.puid in REFUSED
    }
