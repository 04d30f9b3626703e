"""Reading a page of ListObjectsV2 (Amazon S3 API Reference). Pure."""

from typing import NamedTuple
from urllib.parse import unquote_plus
from xml.etree import ElementTree as ET


class Page(NamedTuple):
    """One page of a listing.

    Attributes:
        objects: Full name and size in bytes of each.
        is_cut: Whether others follow.
        following: What asks for them; may be empty where the server is wrong.
    """

    objects: list[tuple[str, int]]
    is_cut: bool
    following: str


def parse_listing(body: bytes) -> Page | None:
    """Read a page; None for what is no whole one."""
    try:
        root = ET.fromstring(body)  # noqa: S314 -- expat bounds how far entities grow
        if root.tag.rpartition("}")[2] != "ListBucketResult":
            return None
        space = root.tag[: root.tag.rfind("}") + 1]
        is_encoded = root.findtext(f"{space}EncodingType") == "url"
        objects = [
            (item.findtext(f"{space}Key", ""), int(item.findtext(f"{space}Size", "")))
            for item in root.iterfind(f"{space}Contents")
        ]
        is_cut = {"true": True, "false": False}[root.findtext(f"{space}IsTruncated", "")]
        following = root.findtext(f"{space}NextContinuationToken", "")
    except (ET.ParseError, ValueError, KeyError):
        return None
    if is_encoded:
        objects = [(unquote_plus(name), size) for name, size in objects]
    return Page(objects, is_cut, following)
