"""How a site of the lab comes onto a host: its files, its database, what serves it.

All of it is Debian's, and nothing takes a network.
"""

import base64
import io
import tarfile
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from tests import nukeviet

if TYPE_CHECKING:
    from tests.lab.sites import Site

MARIADB_SOCKET = "/run/mysqld/mysqld.sock"
POSTGRESQL_SOCKET = "/var/run/postgresql"
_TOOLS = "/root/portal_files"
_PASSWORD = "mật khẩu của trang thử"  # noqa: S105 -- of accounts that live as long as the lab
_READING = "SELECT, SHOW VIEW, TRIGGER, EVENT, SHOW CREATE ROUTINE, LOCK TABLES"
_MEDIAWIKI = "/usr/share/mediawiki"
_SERVER = """server {{
  listen 80;
  server_name {name};
  root {root};
  index index.php;
  client_max_body_size 16m;
  location ~ ^/(config\\.php|data/config) {{ return 403; }}
  location / {{ try_files $uri $uri/ /index.php?$args; }}
  location ~ \\.php(/|$) {{
    include fastcgi_params;
    fastcgi_split_path_info ^(.+?\\.php)(/.*)$;
    fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
    fastcgi_param PATH_INFO $fastcgi_path_info;
    fastcgi_param MW_CONFIG_FILE {folder}/LocalSettings.php;
    fastcgi_pass unix:/run/php/php-fpm.sock;
  }}
}}
"""
# Only one language of WordPress, and no links into the system.
_COPIED = """
mkdir -p {folder}
tar -C /usr/share/wordpress --exclude=./wp-config.php --exclude='./wp-content/languages/*' -ch . \
  | tar -x -C {folder}
cd /usr/share/wordpress/wp-content/languages
cp -L vi.mo continents-cities-vi.mo {folder}/wp-content/languages/
"""


class Host(Protocol):
    """A host on which root runs commands; the lab's `Host`."""

    def run(self, *words: str, check: bool = True, typed: str = "") -> str:
        """Run a command; gives what it wrote."""

    def script(self, text: str) -> str:
        """Run lines of a shell, each of which has to succeed; gives what they wrote."""

    def start(self, *servers: str) -> None:
        """Start servers, now and at each boot."""


def put(host: Host, folder: str, contents: Mapping[str, bytes]) -> None:
    """Write files below a folder; it and those above them are made."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tape:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tape.addfile(entry, io.BytesIO(content))
    typed = base64.encodebytes(packed.getvalue()).decode()
    unpack = f"mkdir -p '{folder}'; base64 -d | tar -x -C '{folder}'"
    host.run("sh", "-euc", unpack, typed=typed)


def mariadb(host: Host, sql: str, database: str = "") -> str:
    """Have MariaDB run statements as its root; gives rows, fields apart by tabs."""
    words = ["mariadb", "--default-character-set=utf8mb4", "--batch", "--skip-column-names"]
    return host.run(*words, *([database] if database else []), typed=sql)


def postgresql(host: Host, sql: str, database: str = "postgres") -> str:
    """Have PostgreSQL run statements as its administrator; gives rows, fields apart by bars."""
    words = ["runuser", "-u", "postgres", "--", "env", "-C", "/", "psql", "-qAt",
             "-v", "ON_ERROR_STOP=1", "-d", database]  # fmt: skip
    return host.run(*words, typed=sql)


def make_ready(host: Host, *sites: "Site") -> None:
    """Have a host run and serve what comes onto it from a backup: servers, nginx's blocks."""
    engines = {it.engine for it in sites}
    host.start("nginx", "php-fpm", *sorted(engines))
    for site in sites:
        root = _MEDIAWIKI if site.system == "mediawiki" else site.folder
        text = _SERVER.format(name=site.address, root=root, folder=site.folder)
        put(host, "/etc/nginx/sites-enabled", {site.name: text.encode()})
    host.script("nginx -q -t; systemctl reload nginx")


def let_read(host: Host, engine: str) -> None:
    """Make the account in a database server with which the service reads."""
    if engine == "mariadb":
        mariadb(
            host,
            "CREATE USER IF NOT EXISTS giucong@localhost IDENTIFIED VIA unix_socket;"
            f"GRANT {_READING} ON *.* TO giucong@localhost",
        )
    elif "giucong" not in postgresql(host, "SELECT rolname FROM pg_roles").split():
        postgresql(host, "CREATE ROLE giucong LOGIN; GRANT pg_read_all_data TO giucong")


def install(host: Host, site: "Site") -> None:
    """Make a site's database and files, and fill both."""
    name = site.database
    if site.engine == "mariadb":
        mariadb(
            host,
            f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;"
            f"CREATE USER {name}@localhost IDENTIFIED BY '{_PASSWORD}';"
            f"GRANT ALL ON {name}.* TO {name}@localhost",
        )
    else:
        postgresql(host, f"CREATE ROLE {name} LOGIN PASSWORD '{_PASSWORD}'")
        postgresql(host, f"CREATE DATABASE {name} OWNER {name}")
    _INSTALLERS[site.system](host, site)


def _nukeviet(host: Host, site: "Site") -> None:
    put(host, site.folder, nukeviet.files(site.database, site.database, _PASSWORD))
    written = " ".join(nukeviet.WRITTEN)
    host.script(f"""
        cd {site.folder}; mkdir -p {written} uploads/contact
        chown -R root:www-data .; chmod -R u=rwX,g=rX,o= .
        chown -R www-data:www-data {written}; chmod 2770 {written}""")
    mariadb(host, nukeviet.tables(), site.database)


def _wordpress(host: Host, site: "Site") -> None:
    folder = site.folder
    config = (nukeviet.FILES / "wordpress-config.php").read_text("utf-8")
    words = {"database": site.database, "user": site.database, "password": _PASSWORD,
             "socket": MARIADB_SOCKET}  # fmt: skip
    for word, value in words.items():
        config = config.replace(f"{{{word}}}", value)
    host.script(_COPIED.format(folder=folder))
    put(host, folder, {"wp-config.php": config.encode()})
    script = "wordpress-fill.php"
    put(host, _TOOLS, {script: (nukeviet.FILES / script).read_bytes()})
    told = host.run("php", "-d", "display_errors=stderr", f"{_TOOLS}/{script}", folder,
                    f"http://{site.address}", _PASSWORD)  # fmt: skip
    assert told == "filled", told
    host.script(f"chown -R root:www-data {folder}; chown -R www-data: {folder}/wp-content")


def _mediawiki(host: Host, site: "Site") -> None:
    folder, settings = site.folder, f"{site.folder}/LocalSettings.php"
    words = ["--dbtype", "postgres", "--dbname", site.database, "--dbserver", "127.0.0.1",
             "--dbport", "5432", "--dbuser", site.database, "--dbpass", _PASSWORD,
             "--installdbuser", site.database, "--installdbpass", _PASSWORD, "--pass", _PASSWORD,
             "--confpath", folder, "--scriptpath", "", "--lang", "vi",
             "--server", f"http://{site.address}", site.title, "Quantri"]  # fmt: skip
    quiet = ["-d", "error_reporting=E_ALL & ~E_DEPRECATED"]
    php = ["php", *quiet, f"{_MEDIAWIKI}/maintenance/run.php"]
    host.script(f"mkdir -p {folder}/images {folder}/cache")
    host.run(*php, "install", *words)
    more = (
        f"\n$wgUploadDirectory = '{folder}/images';\n$wgEnableUploads = true;\n$wgJobRunRate = 0;\n"
        f"$wgMainCacheType = CACHE_NONE;\n$wgCacheDirectory = '{folder}/cache';\n"
    )
    host.run("tee", "-a", settings, typed=more)
    pages = {"Hướng dẫn": "Các bước nộp hồ sơ trực tuyến.", "Quy chế": "Điều 1. Phạm vi."}
    for title, text in pages.items():
        write = ["edit", "--user", "Quantri", title]
        host.run("env", f"MW_CONFIG_FILE={settings}", *php, *write, typed=text)
    host.script(f"chown -R www-data: {folder}; chmod -R o= {folder}")


_INSTALLERS: Mapping[str, Callable[[Host, "Site"], None]] = {
    "nukeviet": _nukeviet, "wordpress": _wordpress, "mediawiki": _mediawiki,
}  # fmt: skip
