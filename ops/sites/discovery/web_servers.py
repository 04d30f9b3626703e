"""Read the configuration of web servers as they do: from the main file on, includes in their place.

Files in the usual folders are read too where the main file does not lead to them, e.g. below
another root that holds a part of a machine only.
"""

import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ops.sites.discovery.apache import parse_apache
from ops.sites.discovery.findings import Include, VirtualHost
from ops.sites.discovery.machine_files import Files, expand, read_text
from ops.sites.discovery.nginx import parse_nginx

_MOST_FILES = 5_000
_MOST_FOLDERS = 4


@dataclass(frozen=True, slots=True)
class _Server:
    """Where a web server keeps its configuration.

    Attributes:
        folder: What relative includes start from, and what is saved.
        places: Patterns below it, in the order they are read.
        parse: Reads a text.
        directive: Begins an include; `{}` takes the pattern.
    """

    folder: str
    places: Sequence[str]
    parse: Callable[[str, Include], list[VirtualHost]]
    directive: str


_NGINX = ("nginx.conf", "sites-enabled/*", "conf.d/*.conf")
_APACHE = ("sites-enabled/*", "conf.d/*.conf")
_SERVERS = (
    _Server("/etc/nginx", _NGINX, parse_nginx, "include {};"),
    _Server("/usr/local/nginx/conf", ("nginx.conf",), parse_nginx, "include {};"),
    _Server("/www/server/nginx/conf", ("nginx.conf",), parse_nginx, "include {};"),
    _Server("/etc/apache2", ("apache2.conf", *_APACHE), parse_apache, "Include {}"),
    _Server("/etc/httpd", ("conf/httpd.conf", *_APACHE), parse_apache, "Include {}"),
    _Server("/usr/local/apache2", ("conf/httpd.conf",), parse_apache, "Include {}"),
)


@dataclass(slots=True)
class _Includes:
    """Gives the texts that a pattern means; those of `places` only where nobody read them yet."""

    files: Files
    folder: str
    places: Sequence[str]
    seen: set[str]
    left: int = field(default=_MOST_FILES)

    def __call__(self, pattern: str) -> Iterator[str]:
        """Yield them in order."""
        whole = pattern if pattern.startswith("/") else posixpath.join(self.folder, pattern)
        for path in self._paths(whole, 0):
            file = self.files.resolve(path)
            if file is None or (pattern in self.places and file in self.seen):
                continue
            if self.left <= 0:
                return
            self.left -= 1
            self.seen.add(file)
            text = read_text(self.files, path)
            if text is not None:
                yield text

    def _paths(self, pattern: str, depth: int) -> Iterator[str]:
        for path in expand(self.files, pattern):
            if depth < _MOST_FOLDERS and self.files.is_folder(path):
                yield from self._paths(f"{path}/*", depth + 1)
            else:
                yield path


def find_virtual_hosts(files: Files) -> Iterator[tuple[VirtualHost, str]]:
    """Yield every virtual host, with the configuration folder of its server."""
    seen: set[str] = set()
    for server in _SERVERS:
        if not files.is_folder(server.folder):
            continue
        includes = _Includes(files, server.folder, server.places, seen)
        main = "\n".join(server.directive.format(place) for place in server.places)
        for host in server.parse(main, includes):
            yield host, server.folder
