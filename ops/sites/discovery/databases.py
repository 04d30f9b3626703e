"""The databases of a machine: those that content systems' configurations name, and its servers'.

Sources of the forms: wordpress.org "Editing wp-config.php"; Joomla's `configuration.php` (class
JConfig); Drupal's `default.settings.php` (`$databases`); NukeViet's `config.php` (`$db_config`);
mediawiki.org "Manual:LocalSettings.php"; Laravel's and Symfony's `.env`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from ops.sites.discovery.machine_files import DatabaseSettings, Files, Note, ask
from provisioning.hosts import Host

_PIECE = re.compile(
    r"/\*.*?(?:\*/|\Z)|//[^\n]*|\#(?!\[)[^\n]*"
    r"|'(?:\\.|[^'\\])*+\\?(?:'|\Z)|\"(?:\\.|[^\"\\])*+\\?(?:\"|\Z)",
    re.DOTALL,
)
_MARK = "\x00"
TEXT = rf"({_MARK}\d+{_MARK})"
"""Pattern for one text: its number between marks."""


@dataclass(frozen=True, slots=True)
class PhpSource:
    """A PHP file.

    Attributes:
        code: Everything but comments; each text stands there as a marked number.
        texts: The texts, unescaped, by number.
    """

    code: str
    texts: tuple[str, ...]

    def pairs(self, pattern: re.Pattern[str], code: str | None = None) -> dict[str, str]:
        """Give the names and values that a pattern finds: what is marked is one of the texts."""
        found = pattern.findall(self.code if code is None else code)
        return {self._text(name): self._text("".join(value)) for name, *value in found}

    def _text(self, word: str) -> str:
        return self.texts[int(word.strip(_MARK))] if word.startswith(_MARK) else word


def read_php(text: str) -> PhpSource:
    """Take a PHP file apart: code, texts apart, comments gone; pure, nothing is executed."""
    texts: list[str] = []

    def replace(found: re.Match[str]) -> str:
        piece = found[0]
        if piece[0] not in {"'", '"'}:
            return " "
        texts.append(_unescape(piece))
        return f"{_MARK}{len(texts) - 1}{_MARK}"

    code = _PIECE.sub(replace, text.replace(_MARK, " "))
    return PhpSource(code, tuple(texts))


def _unescape(piece: str) -> str:
    quote = piece[0]
    inner = piece[1:-1] if len(piece) > 1 and piece[-1] == quote else piece[1:]
    escapes = r"\\([\\'])" if quote == "'" else r"\\([\\\"$])"
    return re.sub(escapes, r"\1", inner)


_DEFINE = re.compile(rf"\bdefine\s*\(\s*{TEXT}\s*,\s*{TEXT}")
_PROPERTY = re.compile(rf"\b(?:public|var)\s+\$(\w+)\s*=\s*{TEXT}")
_DATABASES = re.compile(r"\$databases\b([^;]*)")
_NUKEVIET = re.compile(rf"\$db_config\s*\[\s*{TEXT}\s*\]\s*=\s*(?:{TEXT}|(\d+))")
_MEDIAWIKI = re.compile(rf"\$(wg[A-Za-z]+)\s*+=\s*+(?:{TEXT}|(\d+))\s*+;")
_DEBIANS_CACHE = "/var/cache/mediawiki"  # without it, Debian's MediaWiki does not start
_PAIR = re.compile(rf"{TEXT}\s*=>\s*(?:{TEXT}|(\d+))")
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_ENGINES = {
    "mysql": "mariadb",
    "mysqli": "mariadb",
    "pdomysql": "mariadb",
    "mariadb": "mariadb",
    "pgsql": "postgresql",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
}
_HERE = {"", "localhost"}
_LARGEST_PORT = 65_535


class _Keys(NamedTuple):
    """What a content system calls the five values."""

    database: str
    user: str
    password: str
    host: str
    port: str = ""


def parse_wordpress(text: str) -> DatabaseSettings | None:
    """Read a `wp-config.php`; None where it names no database."""
    source = read_php(text)
    values = source.pairs(_DEFINE)
    keys = _Keys("DB_NAME", "DB_USER", "DB_PASSWORD", "DB_HOST")
    settings = _settings("wordpress", values, "mariadb", keys)
    return _with_folders(settings, [values.get("WP_CONTENT_DIR", "")])


def parse_joomla(text: str) -> DatabaseSettings | None:
    """Read Joomla's `configuration.php`; None where it names no database."""
    source = read_php(text)
    if "JConfig" not in source.code:
        return None
    values = source.pairs(_PROPERTY)
    keys = _Keys("db", "user", "password", "host")
    return _settings("joomla", values, values.get("dbtype", "mysqli"), keys)


def parse_drupal(text: str) -> DatabaseSettings | None:
    """Read Drupal's `settings.php`; None where it names no database."""
    source = read_php(text)
    keys = _Keys("database", "username", "password", "host", "port")
    for body in _DATABASES.findall(source.code):
        values = source.pairs(_PAIR, body)
        if values.get("database"):
            return _settings("drupal", values, values.get("driver", "mysql"), keys)
    return None


def parse_nukeviet(text: str) -> DatabaseSettings | None:
    """Read NukeViet's `config.php`; None where it names no database."""
    source = read_php(text)
    values = source.pairs(_NUKEVIET)
    keys = _Keys("dbname", "dbuname", "dbpass", "dbhost", "dbport")
    return _settings("nukeviet", values, values.get("dbtype", "mysql"), keys)


def parse_mediawiki(text: str) -> DatabaseSettings | None:
    """Read MediaWiki's `LocalSettings.php`; None where it names no database."""
    source = read_php(text)
    values = source.pairs(_MEDIAWIKI)
    engine = values.get("wgDBtype", "mysql")
    if _ENGINES.get(engine) == "sqlite" and values.get("wgDBname"):
        values["wgDBname"] = f"{values.get('wgSQLiteDataDir', '')}/{values['wgDBname']}.sqlite"
    keys = _Keys("wgDBname", "wgDBuser", "wgDBpassword", "wgDBserver", "wgDBport")
    settings = _settings("mediawiki", values, engine, keys)
    cache = values.get("wgCacheDirectory", _DEBIANS_CACHE)
    return _with_folders(settings, [values.get("wgUploadDirectory", ""), cache])


def _with_folders(
    settings: DatabaseSettings | None, folders: Iterable[str]
) -> DatabaseSettings | None:
    """Add the folders that a configuration names by whole paths."""
    whole = tuple(it for it in folders if it.startswith("/"))
    return None if settings is None else replace(settings, folders=whole)


def parse_dotenv(text: str) -> DatabaseSettings | None:
    """Read a `.env` of Laravel or Symfony; None where it names no database."""
    values = dict(_dotenv_pairs(text.splitlines()))
    url = values.get("DATABASE_URL", "")
    if "://" in url:
        return _from_url(url)
    keys = _Keys("DB_DATABASE", "DB_USERNAME", "DB_PASSWORD", "DB_HOST", "DB_PORT")
    return _settings("dotenv", values, values.get("DB_CONNECTION", "mysql"), keys)


PARSERS: Mapping[str, Callable[[str], DatabaseSettings | None]] = {
    "wp-config.php": parse_wordpress,
    "configuration.php": parse_joomla,
    "sites/default/settings.php": parse_drupal,
    "config.php": parse_nukeviet,
    "LocalSettings.php": parse_mediawiki,
    ".env": parse_dotenv,
}
"""The parser of each configuration file, by its place below a content system's folder."""


def _dotenv_pairs(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        value = found[2].strip()
        if value[:1] in {'"', "'"}:
            end = value.find(value[0], 1)
            value = value[1:end] if end > 0 else value[1:]
        else:
            value = re.split(r"\s#", value, maxsplit=1)[0].strip()
        yield found[1], value


def _settings(
    application: str, values: Mapping[str, str], engine: str, keys: _Keys
) -> DatabaseSettings | None:
    name = values.get(keys.database, "")
    if not name:
        return None
    known = _ENGINES.get(engine.strip().lower(), "")
    if known == "sqlite":
        return DatabaseSettings(application, known, name)
    address, port, socket = _split_host(values.get(keys.host, ""))
    return DatabaseSettings(
        application,
        known,
        name,
        values.get(keys.user, ""),
        address,
        _port(port or values.get(keys.port, "")),
        socket,
        has_password=bool(values.get(keys.password)),
    )


def _split_host(host: str) -> tuple[str, str, str]:
    """Give address, port and socket of `db:3307`, `localhost:/run/mysqld.sock`, `127.0.0.1`."""
    if host.startswith("/"):
        return "", "", host
    address, _colon, rest = host.strip().partition(":")
    if host.count(":") > 1 and not rest.startswith("/"):
        return host, "", ""  # an IPv6 address
    if rest.startswith("/"):
        return "", "", rest
    return ("" if address in _HERE else address), rest, ""


def _port(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST_PORT))
    return int(text) if is_number and 0 < int(text) <= _LARGEST_PORT else None


def _from_url(url: str) -> DatabaseSettings | None:
    try:
        parts = urlsplit(url)
        port, address = parts.port, parts.hostname or ""
    except ValueError:
        return None
    engine = _ENGINES.get(parts.scheme.lower().partition("+")[0], "")
    path = unquote(parts.path)
    if engine == "sqlite":
        file = path.removeprefix("/") if path.startswith("//") else path
        file = file.removeprefix("/%kernel.project_dir%/")
        return DatabaseSettings("dotenv", engine, file) if file else None
    name = path.removeprefix("/")
    if not name:
        return None
    user = unquote(parts.username or "")
    address = "" if address in _HERE else address
    return DatabaseSettings(
        "dotenv", engine, name, user, address, port, has_password=bool(parts.password)
    )


_ASK = {
    "mariadb": b"""for client in mariadb mysql
do command -v $client >/dev/null || continue
exec $client --connect-timeout=5 -N -B -e 'SHOW DATABASES' </dev/null 2>/dev/null
done; exit 69""",
    "postgresql": b"""cd /; command -v psql >/dev/null || exit 69
set -- psql -XAtwq -d postgres -c \
'SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate'
if [ "$(id -u)" = 0 ] && id postgres >/dev/null 2>&1
then exec runuser -u postgres -- "$@" </dev/null 2>/dev/null; fi
exec "$@" </dev/null 2>/dev/null""",
}
_FOLDERS = {"mariadb": "/var/lib/mysql", "postgresql": "/var/lib/postgresql"}
_OWN = frozenset(
    {"information_schema", "performance_schema", "mysql", "sys", "lost+found", "postgres"}
)
_CODED = re.compile(r"@([0-9a-f]{4})")
_OWN_ADDRESSES = frozenset({"", "127.0.0.1", "::1"})


def list_databases(files: Files, host: Host | None) -> list[DatabaseSettings]:
    """Give the databases of each server of a machine, without the server's own.

    The clients are asked, without a password: as root, or as somebody whom the server lets in so.
    Where they are not there or not let in, MariaDB's folder of data tells the names (MySQL's
    manual, "Mapping of Identifiers to File Names"); PostgreSQL's tells none.

    Args:
        files: The machine's files; takes a note where names stay unknown.
        host: The machine as it runs; None where there are only its files.
    """
    found = []
    for engine, script in _ASK.items():
        answer = ask(host, script) if host is not None else None
        if answer is not None and answer.status == 0:
            names: Iterable[str] = answer.stdout.decode("utf-8", "replace").splitlines()
        else:
            names = list(_names_in_folder(files, engine))
        found += [DatabaseSettings("", engine, name) for name in names if name not in _OWN]
    return found


def find_unnamed(
    stored: Sequence[DatabaseSettings], named: Iterable[DatabaseSettings], own_address: str = ""
) -> list[DatabaseSettings]:
    """Give the databases that none of those named is.

    Args:
        stored: Databases of a machine's servers.
        named: Those that configurations or the estate name.
        own_address: Another address of that machine.
    """
    here = _OWN_ADDRESSES | {own_address}
    known = {(it.engine, it.database) for it in named if it.address in here}
    return [it for it in stored if (it.engine, it.database) not in known]


def _names_in_folder(files: Files, engine: str) -> Iterator[str]:
    folder = _FOLDERS[engine]
    before = len(files.notes)
    names = files.names_in(folder)
    del files.notes[before:]  # told below, in the words of databases
    if engine == "mariadb" and "mysql" in names:
        for name in names:
            if not name.startswith((".", "#")) and files.is_folder(f"{folder}/{name}"):
                yield _CODED.sub(lambda it: chr(int(it[1], 16)), name)
    elif files.is_folder(folder):
        files.notes.append(Note(engine, "unlisted"))
