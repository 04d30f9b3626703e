"""The lab's sites: a portal with NukeViet's habits, a WordPress, a wiki on PostgreSQL.

Each stands on a host behind nginx; it can be looked at, dropped and defaced, and what came back is
held against what was there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tests import nukeviet
from tests.lab.site_setup import (
    MARIADB_SOCKET,
    POSTGRESQL_SOCKET,
    Host,
    install,
    let_read,
    make_ready,
    mariadb,
    postgresql,
    put,
)

_DOMAIN = "example.vn"
_MOVING = frozenset({"nv4_counter", "nv4_sessions", "nv4_banners_rows", "nv4_vi_news_rows",
                     "wp_options", "wp_usermeta", "objectcache", "site_stats"})  # fmt: skip
_STRANGE = (
    "<!doctype html><title>HACKED</title><h1>HACKED BY NOBODY</h1>"
    "<script src=//la.example/x.js></script>"
)
_SHELL = "<?php /* what nobody here has written */ echo 1;"
_LISTED = """
cd {folder}
find . {left_out} -printf '%p\\t%M %u:%g\\n'; echo
find . -type f {left_out} -exec sha256sum {{}} +
"""


@dataclass(frozen=True, slots=True)
class Site:
    """A site of the lab.

    Attributes:
        name: In the estate.
        title: For people.
        unit: Whose it is, in the estate.
        host: Where it stands, in the estate.
        system: Its profile.
        engine: Of its database, which is called as the site is, with `_` for `-`.
        pages: Whose words stay, but for what moves.
    """

    name: str
    title: str
    unit: str
    host: str
    system: Literal["nukeviet", "wordpress", "mediawiki"]
    engine: Literal["mariadb", "postgresql"]
    pages: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Where its files lie."""
        return f"/srv/www/{self.name}"

    @property
    def address(self) -> str:
        """What visitors call it."""
        return f"{self.name}.{_DOMAIN}"

    @property
    def database(self) -> str:
        """Its database, and the account that its pages have there."""
        return self.name.replace("-", "_")

    def estate(self) -> str:
        """Give its block of the estate."""
        socket = MARIADB_SOCKET if self.engine == "mariadb" else POSTGRESQL_SOCKET
        pages = ", ".join(f'"{it}"' for it in self.pages)
        return f"""[[sites]]
name = "{self.name}"
title = "{self.title}"
unit = "{self.unit}"
profile = "{self.system}"
url = "http://{self.address}"
pages = [{pages}]
  [[sites.files]]
  name = "www"
  host = "{self.host}"
  path = "{self.folder}"
  [[sites.databases]]
  name = "cms"
  host = "{self.host}"
  engine = "{self.engine}"
  database = "{self.database}"
  user = "giucong"
  socket = "{socket}"
"""


PORTAL = Site("cong-tinh", "Cổng thông tin điện tử tỉnh", "van-phong", "web1", "nukeviet",
              "mariadb", nukeviet.PAGES)  # fmt: skip
BUREAU = Site("so-noi-vu", "Trang thông tin Sở Nội vụ", "van-phong", "web1", "wordpress",
              "mariadb", ("/", "/?p=1003", "/?page_id=2000"))  # fmt: skip
WIKI = Site("wiki-xa", "Wiki hướng dẫn của xã", "xa", "web2", "mediawiki", "postgresql",
            ("/index.php?title=Trang_Chính",))  # fmt: skip
SITES = (PORTAL, BUREAU, WIKI)


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is of a site.

    Attributes:
        files: SHA-256, mode and owner of each file, by its place; of folders the latter two.
        rows: A checksum of each table that no visit changes.
    """

    files: Mapping[str, str]
    rows: Mapping[str, str]


def build(host: Host, *sites: Site) -> None:
    """Set sites up on a host, and the accounts with which the service reads their databases."""
    make_ready(host, *sites)
    for site in sites:
        let_read(host, site.engine)
        install(host, site)
        for page in site.pages:  # WordPress writes a row at its first visit
            assert visit(host, site, page), page


def look(host: Host, site: Site) -> Seen:
    """Look at a site's files and rows, past what is made anew and what a visit changes."""
    left_out = " ".join(f"! -path './{it}/*'" for it in nukeviet.MADE_ANEW)
    listed = host.script(_LISTED.format(folder=site.folder, left_out=left_out))
    modes, _empty, sums = listed.partition("\n\n")
    files = dict(it.split("\t") for it in modes.splitlines())
    for line in sums.splitlines():
        digest, place = line.split("  ", 1)
        files[place] = f"{digest} {files[place]}"
    rows = _look_in_mariadb if site.engine == "mariadb" else _look_in_postgresql
    return Seen(files, rows(host, site.database))


def drop(host: Host, site: Site) -> None:
    """Take a site away, as somebody does who types into the wrong window."""
    host.run("rm", "-rf", site.folder)
    if site.engine == "mariadb":
        mariadb(host, f"DROP DATABASE IF EXISTS {site.database}")
    else:
        postgresql(host, f"DROP DATABASE IF EXISTS {site.database} WITH (FORCE)")


def deface(host: Host, site: Site) -> None:
    """Put a strange page in the place of the first, and a program beside it."""
    put(host, site.folder, {"index.php": _STRANGE.encode(), "uploads/x.php": _SHELL.encode()})
    host.run("chown", "www-data:", f"{site.folder}/uploads/x.php")


def visit(host: Host, site: Site, page: str = "/") -> str:
    """Give a page as a visitor on the host itself sees it; empty where it is none."""
    words = ["--fail", "--location", "--silent", "--max-time", "20",
             "--connect-to", f"{site.address}:80:127.0.0.1:80"]  # fmt: skip
    return host.run("curl", *words, f"http://{site.address}{page}", check=False)


def send_paper(host: Host, site: Site) -> bool:
    """Have a visitor send a question with a paper to NukeViet's stand-in; gives whether it went."""
    words = ["--silent", "--form", "title=Hỏi", "--form", "paper=@/etc/hostname;filename=don.txt",
             "--connect-to", f"{site.address}:80:127.0.0.1:80"]  # fmt: skip
    return "Đã nhận" in host.run("curl", *words, f"http://{site.address}/lien-he/", check=False)


def _look_in_mariadb(host: Host, database: str) -> dict[str, str]:
    names = sorted(set(mariadb(host, "SHOW TABLES", database).split()) - _MOVING)
    told = mariadb(host, f"CHECKSUM TABLE {', '.join(names)}", database)
    return dict(line.split("\t") for line in told.splitlines())


def _look_in_postgresql(host: Host, database: str) -> dict[str, str]:
    own = "schemaname NOT IN ('pg_catalog', 'information_schema')"
    names = f"SELECT tablename FROM pg_tables WHERE {own}"  # noqa: S608 -- our own
    asked = " UNION ALL ".join(
        f"SELECT '{it}', coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM {it} t"  # noqa: S608 -- our own
        for it in sorted(set(postgresql(host, names, database).split()) - _MOVING)
    )
    told = postgresql(host, f"SET search_path = mediawiki, public; {asked}", database)
    return dict(line.split("|") for line in told.splitlines())
