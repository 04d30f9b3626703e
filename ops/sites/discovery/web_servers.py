"""The configuration of web servers, read as they do: from the main file on, includes in place.

Sources of the forms: nginx.org, "Beginner's Guide", `server_name`, `root`, `include` and `set`;
httpd.apache.org, "Configuration Files", `Include` and `Define`.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ops.sites.discovery.machine_files import Files, Include, VirtualHost, expand, read_text

_PIECE = re.compile(
    r"#[^\n]*|\"(?:\\.|[^\"\\])*+\"?|'(?:\\.|[^'\\])*+'?|[{};]"
    r"|(?:\\.|\$\{[^}\s]*\}|[^\s{};\"'\\#]|(?<=[^\s{};])[\"'#])++|\\",
    re.DOTALL,
)
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_MOST_DEPTH = 32
_MOST_NGINX_INCLUDES = 8
_MOST_STEPS = 8
_LONGEST_ROOT = 4096
_NGINX_PATTERN_MARKS = "~*$_"
_ENCRYPTED = frozenset({"ssl", "quic"})
"""Words of `listen`; or `ssl on`, which nginx knew before 1.25."""

_OWN_NAMES = ("host", "http_host")
"""Variables that hold the name a browser asked for."""


@dataclass(slots=True)
class _Block:
    """A block that is being read: its head's first word and what matters of its directives."""

    kind: str
    names: list[str] = field(default_factory=list)
    root: str = ""
    inner_root: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    is_secure: bool = False


@dataclass(slots=True)
class _NginxReading:
    """How far a configuration is read."""

    include: Include
    found: list[VirtualHost] = field(default_factory=list)
    stack: list[_Block] = field(default_factory=lambda: [_Block("")])


def parse_nginx(text: str, include: Include = lambda _pattern: ()) -> list[VirtualHost]:
    """Give every server block in order; what is not understood is passed over.

    Directives end with a semicolon, blocks stand between braces, `#` begins a comment, texts may
    stand between quotes, `$name` and `${name}` are variables.

    Args:
        text: The configuration.
        include: Gives the texts of the files that a pattern means.
    """
    reading = _NginxReading(include)
    _read_nginx(text, reading, 0)
    return reading.found


def _read_nginx(text: str, reading: _NginxReading, depth: int) -> None:
    """Read one text; blocks that it opens end with it at the latest."""
    stack = reading.stack
    bottom = len(stack)
    words: list[str] = []
    for piece in _pieces(text):
        if piece == ";":
            _take_nginx_directive(words, reading, depth)
            words = []
        elif piece == "{":
            if len(stack) < _MOST_DEPTH:
                stack.append(_Block(words[0] if words else ""))
            words = []
        elif piece == "}":
            words = []
            if len(stack) > bottom:
                _close(reading)
        else:
            words.append(_unquote(piece))
    while len(stack) > bottom:
        _close(reading)


def _pieces(text: str) -> Iterator[str]:
    return (it[0] for it in _PIECE.finditer(text) if not it[0].startswith("#"))


def _take_nginx_directive(words: list[str], reading: _NginxReading, depth: int) -> None:
    if len(words) < 2:  # noqa: PLR2004 - a directive and its value
        return
    block = reading.stack[-1]
    if words[0] == "include":
        for text in reading.include(words[1]) if depth < _MOST_NGINX_INCLUDES else ():
            _read_nginx(text, reading, depth + 1)
    elif words[0] == "server_name":
        block.names += [
            name
            for name in words[1:]
            if name and not any(it in name for it in _NGINX_PATTERN_MARKS)
        ]
    elif words[0] in {"listen", "ssl"}:
        block.is_secure |= not _ENCRYPTED.isdisjoint((words[0], *words[2:])) and words[1] != "off"
    elif words[0] == "root" and not block.root:
        block.root = words[1]
    elif words[0] == "set" and len(words) > 2 and words[1].startswith("$"):  # noqa: PLR2004 - name and value
        block.variables[words[1].strip("${}")] = words[2]


def _close(reading: _NginxReading) -> None:
    block, parent = reading.stack.pop(), reading.stack[-1]
    root = _fill(block.root or block.inner_root, block.variables)
    if block.kind == "server":
        reading.found += _hosts_of(block, root or parent.root)
    elif not parent.inner_root and parent.kind != "http":
        parent.inner_root = root


def _hosts_of(block: _Block, root: str) -> Iterator[VirtualHost]:
    """Yield one virtual host; one for each name where the folder is called by the name."""
    if block.names:
        root = _fill(root, {**block.variables, "server_name": block.names[0]})
    if any(it[1] in _OWN_NAMES or it[2] in _OWN_NAMES for it in _VARIABLE.finditer(root)):
        for name in block.names:
            own_root = _fill(root, dict.fromkeys(_OWN_NAMES, name))
            yield VirtualHost("nginx", (name,), own_root, block.is_secure)
    else:
        yield VirtualHost("nginx", tuple(block.names), root, block.is_secure)


def _fill(text: str, variables: Mapping[str, str]) -> str:
    """Put in the values of variables, which may hold variables; what has no value stays."""
    for _step in range(_MOST_STEPS):
        filled = _VARIABLE.sub(lambda it: variables.get(it[1] or it[2], it[0]), text)
        if filled == text or len(filled) > _LONGEST_ROOT:
            break
        text = filled
    return text


def _unquote(piece: str) -> str:
    if piece[:1] in {'"', "'"}:
        piece = piece[1:-1] if len(piece) > 1 and piece[-1] == piece[0] else piece[1:]
    return re.sub(r"\\(.)", r"\1", piece, flags=re.DOTALL)


_WORD = re.compile(r"\"((?:\\.|[^\"\\])*+)\"?|'((?:\\.|[^'\\])*+)'?|(\S++)")
_DEFINED = re.compile(r"\$\{([^}\s]*)\}")
_APACHE_PATTERN_MARKS = "*?"
_MOST_APACHE_INCLUDES = 8
_LONGEST_LINE = 65_536


@dataclass(slots=True)
class _ApacheReading:
    """How far a configuration is read."""

    include: Include
    found: list[VirtualHost] = field(default_factory=list)
    defined: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    root: str = ""
    is_inside: bool = False
    is_secure: bool = False

    def close(self) -> None:
        """End a virtual host."""
        names = tuple(self.names)
        self.found.append(VirtualHost("apache", names, self.root, self.is_secure))
        self.open(is_inside=False)

    def open(self, *, is_inside: bool = True, is_secure: bool = False) -> None:
        """Begin a virtual host."""
        self.names, self.root = [], ""
        self.is_inside, self.is_secure = is_inside, is_secure


def parse_apache(text: str, include: Include = lambda _pattern: ()) -> list[VirtualHost]:
    """Give every virtual host in order; a root outside of all of them is one without names.

    One directive a line, a backslash at the end continues it, `#` begins a comment line, names of
    directives have no case, `${NAME}` is what `Define` said, for all that is read later.

    Args:
        text: The configuration.
        include: Gives the texts of the files that a pattern means.
    """
    reading = _ApacheReading(include)
    _read_apache(text, reading, 0)
    if reading.is_inside and (reading.names or reading.root):
        reading.close()
    return reading.found


def _read_apache(text: str, reading: _ApacheReading, depth: int) -> None:
    for line in _lines(text):
        filled = _DEFINED.sub(lambda it: reading.defined.get(it[1], it[0]), line)
        if len(filled) > _LONGEST_LINE:
            continue
        words = [it[1] or it[2] or it[3] or "" for it in _WORD.finditer(filled)]
        head = words[0].lower() if words else ""
        if head in {"include", "includeoptional"} and len(words) > 1:
            for included in reading.include(words[1]) if depth < _MOST_APACHE_INCLUDES else ():
                _read_apache(included, reading, depth + 1)
        else:
            _take_apache_directive(head, words[1:], reading)


def _take_apache_directive(head: str, values: list[str], reading: _ApacheReading) -> None:
    if head.startswith("<virtualhost"):
        reading.open(is_secure=any(it.rstrip(">").endswith(":443") for it in values))
    elif head == "sslengine" and values[:1] and reading.is_inside:
        reading.is_secure = values[0].lower() == "on"
    elif head.startswith("</virtualhost") and reading.is_inside:
        reading.close()
    elif head == "define" and len(values) > 1:
        reading.defined[values[0]] = values[1]
    elif head in {"servername", "serveralias"} and reading.is_inside:
        reading.names += [name for name in map(_bare_name, values) if name]
    elif head == "documentroot" and values:
        if reading.is_inside:
            reading.root = reading.root or values[0]
        else:
            reading.found.append(VirtualHost("apache", (), values[0]))


def _lines(text: str) -> Iterator[str]:
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line


def _bare_name(name: str) -> str:
    """Give a server name without scheme and port; empty for a pattern."""
    bare = re.sub(r":\d+$", "", name.removeprefix("https://").removeprefix("http://"))
    return "" if any(mark in bare for mark in _APACHE_PATTERN_MARKS) else bare


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
    """Yield every virtual host, with the configuration folder of its server.

    Files in the usual folders are read too where the main file does not lead to them, e.g. below
    another root that holds a part of a machine only.
    """
    seen: set[str] = set()
    for server in _SERVERS:
        if not files.is_folder(server.folder):
            continue
        includes = _Includes(files, server.folder, server.places, seen)
        main = "\n".join(server.directive.format(place) for place in server.places)
        for host in server.parse(main, includes):
            yield host, server.folder
