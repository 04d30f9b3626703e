"""A store in a bucket of any S3 server, kept to what nearly all of them know.

An object is one PUT, whole or not at all, with `If-None-Match: *` so that it is written once, and
with its Content-MD5, so that the server refuses bytes that changed on the way. Where a server
cannot do the former, a look comes before each write; two writers of one key at the same instant
could replace each other there, and only there (names are hashes of the bytes, so they would write
the same). Whether it can is found out once: the first small object is written a second time.

One PUT takes up to 5 GiB, and no file of a repository comes near that, so there are no uploads in
parts, and nothing is left behind by one that was cut.

What every run does goes over `backup.stores.s3.requests`; the client is for the rest. What promises
and versions add is in `backup.stores.s3.object_lock` and `backup.stores.s3.versions`.

Reading a page of ListObjectsV2 (Amazon S3 API Reference). Pure.
"""

import base64
import hashlib
import threading
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_plus
from xml.etree import ElementTree as ET

from backup.errors import ObjectExistsError, ObjectNotFoundError, StoreError, StoreUnavailableError
from backup.stores.base import Buffer, ObjectInfo, ensure_listable, validate_key
from backup.stores.s3.errors import AnswerError, translated
from backup.stores.s3.requests import S3Line
from backup.stores.s3.settings import S3Settings, make_client


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


if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CANNOT_READ = "cannot read {key} from {place}"
_CANNOT_WRITE = "cannot write {key} to {place}"
_CANNOT_DELETE = "cannot delete {key} from {place}"
_CANNOT_LIST = "cannot list {key} in {place}"
_PRECONDITION_FAILED = 412
_NOT_IMPLEMENTED = 501
_OUT_OF_RANGE = 416
_SMALL = 1 << 16


class S3Store:
    """Objects of one folder of one bucket."""

    def __init__(self, settings: S3Settings, *, page: int | None = None) -> None:
        """Set up; nothing is touched yet.

        Args:
            settings: Where it is, and how it is reached.
            page: How many objects a page of a listing has; None for what the server likes.
        """
        self._settings = settings
        self._page = page
        self.line = S3Line(settings)
        self._write_once = settings.write_once
        self._making = threading.Lock()

    @property
    def location(self) -> str:
        """The store's address, without secrets."""
        return self._settings.location

    @property
    def bucket(self) -> str:
        """Name of the bucket."""
        return self._settings.bucket

    @property
    def settings(self) -> S3Settings:
        """What opens it again, with what was learned of the server; holds secrets."""
        return self._settings.knowing(write_once=self._write_once)

    @cached_property
    def _made_client(self) -> "S3Client":
        return make_client(self._settings)

    @property
    def client(self) -> "S3Client":
        """The client, made when first needed, once for all threads."""
        if "_made_client" not in self.__dict__:
            with self._making:
                return self._made_client
        return self._made_client

    # Reading -----------------------------------------------------------------------------------

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `Store.list`; page by page, and never a page less."""
        query = [("list-type", "2"), ("prefix", self.start_of(prefix)), ("encoding-type", "url")]
        if self._page is not None:
            query.append(("max-keys", str(self._page)))
        token, count = "", 0
        while True:
            going_on = [("continuation-token", token)] if token else []
            with translated(_CANNOT_LIST, key=prefix or "/", place=self.location):
                answer = self.line.ask("GET", query=query + going_on)
            page = parse_listing(answer.body)
            if page is None or (page.is_cut and page.following in {"", token}):
                raise self._unfinished(prefix)
            count += max(1, len(page.objects))
            ensure_listable(count, self.location)
            for name, size in page.objects:
                key = self.key_of(name)
                if key is not None:
                    yield ObjectInfo(key, size)
            if not page.is_cut:
                return
            token = page.following

    def size(self, key: str) -> int:
        """See `Store.size`."""
        return int(self.look(key)["content-length"])

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `Store.read`."""
        if length == 0:
            self.look(key)
            return b""
        return self.read_name(key, self.name_of(validate_key(key)), offset, length)

    def read_name(
        self, key: str, name: str, offset: int, length: int | None, *, version: str = ""
    ) -> bytes:
        """Read one object by its full name, and perhaps the version of it; as `read` does."""
        headers = {}
        if offset or length is not None:
            end = "" if length is None else str(offset + length - 1)
            headers["range"] = f"bytes={offset}-{end}"
        query = [("versionId", version)] if version else []
        with translated(_CANNOT_READ, key=key, place=self.location):
            ask = self.line.ask
            try:
                return ask("GET", name, query=query, headers=headers, most=length).body
            except AnswerError as error:
                if error.status == _OUT_OF_RANGE:
                    return b""
                raise

    def look(self, key: str) -> Mapping[str, str]:
        """Give what the server tells of one object without its bytes."""
        name = self.name_of(validate_key(key))
        with translated(_CANNOT_READ, key=key, place=self.location):
            return self.line.ask("HEAD", name).headers

    # Writing -----------------------------------------------------------------------------------

    def write(self, key: str, data: Buffer) -> None:
        """See `Store.write`."""
        name = self.name_of(validate_key(key))
        body = memoryview(data).cast("B")
        if self._write_once is False and self._is_there(key):
            raise self._exists(key)
        self._put(key, name, body)
        if self._write_once is None and len(body) <= _SMALL:
            self._learn(key, name, body)

    def _put(self, key: str, name: str, body: memoryview) -> None:
        digest = hashlib.md5(body, usedforsecurity=False).digest()
        headers = {
            "content-md5": base64.b64encode(digest).decode(),
            "content-type": "application/octet-stream",
            **self._promise(key),
        }
        is_conditional = self._write_once is not False
        if is_conditional:
            headers["if-none-match"] = "*"
        with translated(_CANNOT_WRITE, key=key, place=self.location):
            try:
                self.line.ask("PUT", name, headers=headers, body=body)
            except AnswerError as error:
                if error.status == _PRECONDITION_FAILED:
                    raise self._exists(key) from error
                if error.status != _NOT_IMPLEMENTED or not is_conditional:
                    raise
                self._write_once = False
        if is_conditional and self._write_once is False:
            self.write(key, body)

    def _learn(self, key: str, name: str, body: memoryview) -> None:
        """Write the same bytes once more: a server that takes them does not know the condition."""
        self._write_once = True
        try:
            self._put(key, name, body)
        except ObjectExistsError:
            return
        except StoreError:
            self._write_once = None
            return
        self._write_once = False

    def _promise(self, key: str) -> dict[str, str]:
        """What else to say of a new object; see `backup.stores.s3.object_lock`."""
        del key
        return {}

    def _is_there(self, key: str) -> bool:
        try:
            self.look(key)
        except ObjectNotFoundError:
            return False
        return True

    def delete(self, key: str) -> None:
        """See `Store.delete`. A bucket that keeps versions only hides it."""
        self._allow_delete(key, self.look(key))
        with translated(_CANNOT_DELETE, key=key, place=self.location):
            self.line.ask("DELETE", self.name_of(key))

    def _allow_delete(self, key: str, headers: Mapping[str, str]) -> None:
        """Raise where what the server tells of an object forbids it; see `_promise`."""
        del key, headers

    # Names -------------------------------------------------------------------------------------

    def name_of(self, key: str) -> str:
        """Give an object's full name in the bucket."""
        prefix = self._settings.prefix
        return f"{prefix}/{key}" if prefix else key

    def start_of(self, folder: str) -> str:
        """Give what the full names of all objects in a folder begin with; "" for everything."""
        return self.name_of(validate_key(folder)) + "/" if folder else self.name_of("")

    def key_of(self, name: str) -> str | None:
        """Give the key of a full name; None for what is no object of ours."""
        prefix = self._settings.prefix
        key = name[len(prefix) + 1 :] if prefix else name
        try:
            return validate_key(key)
        except StoreError:
            return None

    def _unfinished(self, prefix: str) -> StoreError:
        return StoreUnavailableError(
            _CANNOT_LIST,
            why="the server cut the listing short",
            key=prefix or "/",
            place=self.location,
        )

    def _exists(self, key: str) -> ObjectExistsError:
        return ObjectExistsError(
            "{key} is already in {place}",
            why="objects are written once",
            data="the stored object was left as it was",
            key=key,
            place=self.location,
        )
