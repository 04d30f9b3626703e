"""Read what lists of a site name: feeds, sitemaps, pages and enclosures; politely, one by one."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import file_digest
from pathlib import Path
from typing import IO

from archive.capture.feeds import LARGEST as LARGEST_FEED
from archive.capture.feeds import parse_feed
from archive.capture.sitemaps import LARGEST as LARGEST_SITEMAP
from archive.capture.sitemaps import Location, read_sitemap
from archive.errors import ArchiveError
from archive.web.fetch import Answer, Fetcher, SiteSilentError
from archive.web.links import unpack
from archive.web.pace import Pace
from archive.web.robots import read_robots

_MOST_HOPS, _MOST_LISTS, _LARGEST_UNPACKED = 3, 100, 64 << 20
_REDIRECTS = {301, 302, 303, 307, 308}
_OK, _SERVER_FAILED = 200, 500


class NotReadError(ArchiveError):
    """An address of the site gave nothing that can be kept."""


class SiteReader:
    """Reads own addresses of a site, redirects to own ones followed.

    Args:
        fetcher: Asks.
        pace: How fast.
        agent: Who asks, for robots.txt.
    """

    def __init__(self, fetcher: Fetcher, pace: Pace, agent: str) -> None:
        self._fetcher, self._pace, self._count = fetcher, pace, 0
        self._robots = read_robots(b"", agent)
        with closing(self._ask(f"{fetcher.place.origin}/robots.txt")) as answer:
            if answer.status >= _SERVER_FAILED:
                raise not_read("/robots.txt", str(answer.status))
            if answer.status == _OK:
                self._robots = read_robots(answer.body, agent)
        pace.at_least(self._robots.delay)

    def feeds(self, paths: Sequence[str]) -> Iterator[bytes]:
        """Give feeds.

        Raises:
            NotReadError: One cannot be read.
        """
        for path in paths or ("/feed",):
            data = self._body(self._address(path), LARGEST_FEED + 1)
            parse_feed(data)
            yield data

    def locations(self, paths: Sequence[str]) -> Iterator[Location]:
        """Give what sitemaps name, and the sitemaps that an index names, one step deep.

        Raises:
            ArchiveError: One cannot be read: what it names is then not known.
        """
        first = [self._address(it) for it in paths or self._robots.sitemaps or ("/sitemap.xml",)]
        deeper: list[str] = []
        for steps, addresses in enumerate((first, deeper)):
            for address in addresses[:_MOST_LISTS]:
                found = read_sitemap(self._body(address, LARGEST_SITEMAP + 1))
                if found.kind == "pages":
                    yield from found.locations
                elif not steps:
                    deeper += [self._address(it.loc) for it in found.locations]

    def take(self, url: str, folder: Path) -> tuple[Path, str]:
        """Put what an address has into a new file of a folder; gives its place and SHA-512.

        Raises:
            NotReadError: It gives nothing whole, or is not the site's own.
        """
        self._count += 1
        path = folder / f"address-{self._count}"
        with path.open("w+b") as file:
            with closing(self._get(self._address(url), to=file)) as answer:
                encoding = answer.headers.get("content-encoding", "")
            if encoding.strip().lower() not in {"", "identity"}:  # nobody asked for it
                plain = unpack(answer.body, encoding, _LARGEST_UNPACKED)
                file.seek(0)
                file.truncate()
                file.write(plain)
            file.seek(0)
            return path, file_digest(file, "sha512").hexdigest()

    def _address(self, text: str) -> str:
        place = self._fetcher.place
        own = place.own(text.lstrip("/") if text.startswith("/") else text, place.base)
        if not own:
            raise not_read(text, "not on this site")
        return own

    def _body(self, address: str, most: int) -> bytes:
        with closing(self._get(address, most)) as answer:
            return unpack(answer.body, answer.headers.get("content-encoding", ""), most)

    def _get(self, address: str, most: int = 0, to: IO[bytes] | None = None) -> Answer:
        for _hop in range(_MOST_HOPS):
            if not self._robots.allows(address):
                raise not_read(address, "robots.txt does not want it")
            if to is not None:
                to.seek(0)
                to.truncate()
            answer = self._ask(address, most, to)
            if answer.status == _OK and not answer.truncated:
                return answer
            answer.close()
            leads_to = answer.headers.get("location", "") if answer.status in _REDIRECTS else ""
            own = self._fetcher.place.own(leads_to, address) if leads_to else ""
            if not own:
                raise not_read(address, answer.truncated or str(answer.status))
            address = own
        raise not_read(address, "it redirects too often")

    def _ask(self, address: str, most: int = 0, to: IO[bytes] | None = None) -> Answer:
        self._pace.wait()
        try:
            return self._fetcher.fetch(address, body=most, to=to)
        except SiteSilentError as error:
            raise not_read(address, str(error.args[0])) from error


def not_read(address: str, why: str) -> NotReadError:
    """Make the error of an address that gave nothing."""
    return NotReadError(
        "{address} could not be read",
        why="{reason}",
        data="everything archived is kept as it is",
        next_step="look at the site; the next run asks again",
        address=address,
        reason=why,
    )
