"""Configurations as they really look, and hostile ones: what is found, and that nothing leaks."""

import os
import sqlite3
import tomllib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ops.errors import OpsError
from ops.sites.discover import SiteSetting, make_name, propose
from ops.sites.discovery.databases import (
    find_unnamed,
    list_databases,
    parse_dotenv,
    parse_drupal,
    parse_joomla,
    parse_mediawiki,
    parse_nukeviet,
    parse_wordpress,
)
from ops.sites.discovery.find import FoundSite, look_around
from ops.sites.discovery.machine_files import (
    Below,
    DatabaseSettings,
    FilesOnHost,
    Note,
    VirtualHost,
)
from ops.sites.discovery.web_servers import parse_apache, parse_nginx
from provisioning.hosts import Command, Completed
from provisioning.local_host import LocalHost
from tests.effort import takes_at_most

Parse = Callable[..., list[VirtualHost]]

NGINX = r"""
# server { server_name commented.vn; root /no; }
server {
    listen 80;
    server_name xabinhminh.dongnai.gov.vn www.xabinhminh.dongnai.gov.vn;
    return 301 https://$host$request_uri;   # redirect { only
}
server {
    listen 443 ssl http2;
    server_name xabinhminh.dongnai.gov.vn *.cdn.vn ~^(?<sub>.+)\.vn$;
    root "/var/www/Cổng xã Bình Minh/public";
    index index.php;
    location ~ \.php$ { fastcgi_pass unix:/run/php/php8.2-fpm.sock; root /elsewhere; }
    add_header X-Test "a; b { c }";
}
server { server_name sở-y-tế.vn; location / { root /var/www/so-y-te; } }
"""

APACHE = r"""
<VirtualHost *:80>
    ServerName https://soyte.dongnai.gov.vn:443
    serveralias www.soyte.dongnai.gov.vn \
        *.soyte.vn
    # DocumentRoot /var/www/old
    DocumentRoot "/var/www/Sở Y tế"
    <Directory "/var/www/Sở Y tế">
        Require all granted
    </Directory>
</VirtualHost>
"""

WORDPRESS = r"""<?php
/** The name of the database for WordPress */
// define( 'DB_NAME', 'old_name' );
# define('DB_NAME', 'older');
/* define('DB_NAME', 'oldest'); */
define( 'DB_NAME', 'cong_thong_tin' );
define( "DB_USER", "cổng" );
define( 'DB_PASSWORD', 'M@t-khau\'rat"bi-mat' );
define( 'DB_HOST', 'localhost:/run/mysqld/mysqld.sock' );
define( 'DB_CHARSET', 'utf8mb4' );
$table_prefix = 'wp_';
define( 'WP_DEBUG', false );
"""

JOOMLA = r"""<?php
class JConfig {
    public $offline = '0';
    public $dbtype = 'mysqli';
    public $host = '192.0.2.20:3307';
    public $user = 'joomla';
    public $password = "M@t-khau'rat\"bi-mat";
    public $db = 'so_y_te';
    public $sitename = 'Sở Y tế; // tỉnh Đồng Nai';
}
"""

DRUPAL = r"""<?php
/**
 * $databases['default']['default'] = ['database' => 'example', 'password' => 'x'];
 */
$databases['default']['default'] = array (
  'database' => 'xa_binh_minh',
  'username' => 'drupal',
  'password' => 'M@t-khau\'rat"bi-mat',
  'prefix' => '',
  'host' => 'localhost',
  'port' => '5433',
  'driver' => 'pgsql',
);
$settings['hash_salt'] = 'M@t-khau\'rat"bi-mat';
"""

NUKEVIET = r"""<?php
/* $db_config['dbname'] = 'old'; */
if (!defined('NV_MAINFILE')) {
    exit('Stop!!!');
}
$db_config['dbhost'] = 'localhost';
$db_config['dbport'] = '3306';
$db_config['dbname'] = 'cong_xa_tan_phu';
$db_config['dbsystem'] = 'cong_xa_tan_phu';
$db_config['dbuname'] = 'nukeviet';
$db_config['dbpass'] = 'M@t-khau\'rat"bi-mat';
$db_config['dbtype'] = 'mysql';
$db_config['persistent'] = false;
$db_config['prefix'] = 'nv4';
$global_config['sitekey'] = 'M@t-khau\'rat"bi-mat';
"""

MEDIAWIKI = r"""<?php
# $wgDBname = "no";
$wgDBtype = "postgres";
$wgDBserver = "localhost";
$wgDBport = 5433;
$wgDBname = "bach_khoa";
$wgDBuser = "wiki";
$wgDBpassword = 'M@t-khau\'rat';
$wgUploadDirectory = "/srv/wiki/images";
$wgSecretKey = $argv[1];
"""

LARAVEL = """
APP_NAME="Cổng xã"
DB_CONNECTION=mysql # engine
DB_HOST=127.0.0.1
DB_PORT=3306
DB_DATABASE=cong_xa
export DB_USERNAME='laravel'
DB_PASSWORD="M@t-khau'rat"
"""


def test_nginx_gives_names_and_roots_as_a_browser_meets_them() -> None:
    names = ("xabinhminh.dongnai.gov.vn", "www.xabinhminh.dongnai.gov.vn")

    assert parse_nginx(NGINX) == [
        VirtualHost("nginx", names, ""),
        VirtualHost("nginx", names[:1], "/var/www/Cổng xã Bình Minh/public", is_secure=True),
        VirtualHost("nginx", ("sở-y-tế.vn",), "/var/www/so-y-te"),
    ]


def test_apache_gives_names_and_roots() -> None:
    names = ("soyte.dongnai.gov.vn", "www.soyte.dongnai.gov.vn")

    assert parse_apache(APACHE) == [VirtualHost("apache", names, "/var/www/Sở Y tế")]
    assert parse_apache('DocumentRoot "/var/www/html"') == [
        VirtualHost("apache", (), "/var/www/html")
    ]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            parse_wordpress(WORDPRESS),
            DatabaseSettings("wordpress", "mariadb", "cong_thong_tin", "cổng",
                             socket="/run/mysqld/mysqld.sock", has_password=True),
        ),
        (
            parse_joomla(JOOMLA),
            DatabaseSettings("joomla", "mariadb", "so_y_te", "joomla", "192.0.2.20", 3307,
                             has_password=True),
        ),
        (
            parse_drupal(DRUPAL),
            DatabaseSettings("drupal", "postgresql", "xa_binh_minh", "drupal", port=5433,
                             has_password=True),
        ),
        (
            parse_nukeviet(NUKEVIET),
            DatabaseSettings("nukeviet", "mariadb", "cong_xa_tan_phu", "nukeviet", port=3306,
                             has_password=True),
        ),
        (
            parse_mediawiki(MEDIAWIKI),
            DatabaseSettings("mediawiki", "postgresql", "bach_khoa", "wiki", port=5433,
                             has_password=True,
                             folders=("/srv/wiki/images", "/var/cache/mediawiki")),
        ),
        (
            parse_mediawiki('<?php $wgDBtype="sqlite"; $wgSQLiteDataDir = "/srv/d";$wgDBname="w";'),
            DatabaseSettings("mediawiki", "sqlite", "/srv/d/w.sqlite",
                             folders=("/var/cache/mediawiki",)),
        ),
        (
            parse_dotenv(LARAVEL),
            DatabaseSettings("dotenv", "mariadb", "cong_xa", "laravel", "127.0.0.1", 3306,
                             has_password=True),
        ),
        (
            parse_dotenv("DATABASE_URL=postgresql://u:p%40ss@db.vn:5432/cong?x=1"),
            DatabaseSettings("dotenv", "postgresql", "cong", "u", "db.vn", 5432, has_password=True),
        ),
        (
            parse_dotenv('DATABASE_URL="sqlite:///%kernel.project_dir%/var/data.db"'),
            DatabaseSettings("dotenv", "sqlite", "var/data.db"),
        ),
        (
            parse_dotenv("DB_CONNECTION=sqlite\nDB_DATABASE=/srv/a.sqlite"),
            DatabaseSettings("dotenv", "sqlite", "/srv/a.sqlite"),
        ),
        (
            parse_wordpress("<?php define('DB_NAME', getenv('DB')); define('DB_HOST', 'x');"),
            None,
        ),
        (parse_joomla("<?php class Other { public $db = 'x'; }"), None),
        (parse_drupal("<?php $databases = array();"), None),
        (parse_nukeviet("<?php $db_config['dbname'] = $argv[1]; $config = ['a' => 'b'];"), None),
        (parse_dotenv("DATABASE_URL=mysql://[::1/db"), None),
    ],
    ids=range(15),
)  # fmt: skip
def test_the_database_is_found_and_its_password_only_noted(
    settings: DatabaseSettings | None, expected: DatabaseSettings | None
) -> None:
    assert settings == expected
    assert "khau" not in repr(settings)


HOSTILE = [
    "set $a $a$a;" * 20_000 + "server { set $a $b$b; set $b $a$a; root $a; }",
    "Define A ${A}${A}\n" * 20_000 + "DocumentRoot ${A}",
    "server { server_name " + "x " * 50_000 + "; root /$host; }",
    "$db_config['dbname'] " * 20_000,
    "{" * 200_000,
    "server{" * 50_000 + "root /x;" * 50_000,
    "'" * 200_001,
    "'\\" * 100_000 + "\\",
    '"\\' * 100_001,
    "define('DB_NAME'," * 20_000,
    "/*" * 100_000,
    "$databases" * 20_000 + "\x001\x00=>\x002\x00;",
    "<VirtualHost " * 20_000,
    "\x00" * 1_000 + "define(\x000\x00,\x000\x00)",
    "DB_DATABASE=" + "=" * 100_000,
    "DATABASE_URL=x://" + "@" * 50_000,
    "a\\" * 100_000,
    "class JConfig { public $db = '" + "\\'" * 100_000,
]


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_ends_soon_and_breaks_nothing(text: str) -> None:
    def read_as_everything() -> None:
        for parse in (parse_nginx, parse_apache):
            assert isinstance(parse(text), list)
        readers = (parse_wordpress, parse_joomla, parse_drupal, parse_nukeviet, parse_mediawiki)
        for read in (*readers, parse_dotenv):
            read(text)

    assert takes_at_most(10, read_as_everything)


def write(root: Path, inner: str, text: str) -> None:
    path = root / inner.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine's files below a folder, with links as Debian makes them."""
    root = tmp_path / "root"
    write(root, "/etc/nginx/sites-available/xa", NGINX)
    enabled = root / "etc/nginx/sites-enabled"
    enabled.mkdir()
    (enabled / "xa").symlink_to("/etc/nginx/sites-available/xa")
    (enabled / "loop").symlink_to("loop")
    (enabled / "out").symlink_to("../../../../../../../../etc/passwd")
    os.mkfifo(enabled / "pipe")
    write(root, "/etc/apache2/sites-enabled/000.conf", APACHE)
    write(root, "/var/www/Cổng xã Bình Minh/public/index.php", "<?php")
    write(root, "/var/www/Cổng xã Bình Minh/.env", LARAVEL)
    write(root, "/var/www/Sở Y tế/wp-config.php", WORDPRESS)
    (root / "var/www/so-y-te/data").mkdir(parents=True)
    with closing(sqlite3.connect(root / "var/www/so-y-te/data/tin.db")) as database:
        database.execute("CREATE TABLE t (x)")
        database.commit()
    write(root, "/var/www/so-y-te/data/not.db", "no database")
    return root


def test_a_machine_below_another_root_is_seen_as_itself(machine: Path) -> None:
    looked = look_around(Below(machine, []))

    assert [(site.path, [it.database for it in site.databases]) for site in looked.sites] == [
        ("/var/www/Cổng xã Bình Minh", ["cong_xa"]),
        ("/var/www/so-y-te", ["/var/www/so-y-te/data/tin.db"]),
        ("/var/www/Sở Y tế", ["cong_thong_tin"]),
    ]
    assert looked.notes == [
        Note("xabinhminh.dongnai.gov.vn www.xabinhminh.dongnai.gov.vn", "no_root")
    ]


def test_a_content_system_is_proposed_with_its_profile_and_the_folders_beside_it(
    tmp_path: Path,
) -> None:
    """As Debian lays out MediaWiki: links from the web root, and the uploads elsewhere."""
    write(tmp_path, "/etc/nginx/sites-enabled/a",
          "server { server_name wiki.vn; root /var/lib/mediawiki; }"
          "server { server_name xa.vn; root /var/www/xa; }")  # fmt: skip
    write(tmp_path, "/etc/mediawiki/LocalSettings.php", MEDIAWIKI)
    write(tmp_path, "/var/lib/mediawiki/index.php", "<?php")
    write(tmp_path, "/srv/wiki/images/a.png", "")
    write(tmp_path, "/usr/share/mediawiki/extensions/Cite/a.php", "<?php")
    write(tmp_path, "/var/cache/a", "")
    for name, target in (("LocalSettings.php", "/etc/mediawiki/LocalSettings.php"),
                         ("extensions", "/usr/share/mediawiki/extensions")):  # fmt: skip
        (tmp_path / "var/lib/mediawiki" / name).symlink_to(target)
    write(tmp_path, "/var/www/xa/config.php", NUKEVIET)
    write(tmp_path, "/mnt/nas/uploads/a.jpg", "")
    (tmp_path / "var/www/xa/uploads").symlink_to("/mnt/nas/uploads")
    found = look_around(Below(tmp_path, [])).sites
    sites = tomllib.loads("\n".join(it.toml for it in propose(found, taken=[], known_paths=[])))

    wiki, xa = sites["sites"]
    assert (wiki["profile"], xa["profile"]) == ("mediawiki", "nukeviet")
    assert [(it["name"], it["path"], it["kind"]) for it in wiki["files"]] == [
        ("www", "/var/lib/mediawiki", "content"),
        ("mediawiki", "/etc/mediawiki", "config"),
        ("images", "/srv/wiki/images", "content"),
        ("extensions", "/usr/share/mediawiki/extensions", "content"),
        ("config", "/etc/nginx", "config"),
    ]
    assert [it["path"] for it in xa["files"]] == ["/var/www/xa", "/mnt/nas/uploads", "/etc/nginx"]


def test_proposals_are_blocks_that_hold_no_password(machine: Path) -> None:
    proposals = propose(
        look_around(Below(machine, [])).sites,
        taken=["soyte"],
        known_paths=[],
        place=SiteSetting("xa"),
    )
    text = "\n".join(it.toml for it in proposals)
    sites = tomllib.loads(text)["sites"]

    assert [site["name"] for site in sites] == ["xabinhminh", "so-y-te", "soyte-2"]
    assert sites[0]["databases"][0].get("password") == "file:var/keys/xabinhminh-db"
    assert "estate.secret --name file:var/keys/xabinhminh-db" in text
    assert "khau" not in text
    assert "bi-mat" not in text
    assert [it.secrets for it in proposals][1] == ()


def test_what_the_estate_has_is_not_proposed_again(machine: Path) -> None:
    found = look_around(Below(machine, [])).sites
    known = ["/var/www/so-y-te", "/var/www/Sở Y tế"]

    assert len(propose(found, taken=[], known_paths=known)) == 1


def test_hostile_names_stay_inside_their_block(tmp_path: Path) -> None:
    write(
        tmp_path,
        "/etc/nginx/conf.d/x.conf",
        'server { server_name "a\n[[sites]]\nname = 1\x1b[2J"; root "/srv/x\n[y]\n"; }',
    )
    (tmp_path / "srv/x\n[y]\n").mkdir(parents=True)
    (proposal,) = propose(
        look_around(Below(tmp_path, [])).sites, taken=[], known_paths=[], place=SiteSetting("xa")
    )

    assert len(tomllib.loads(proposal.toml)["sites"]) == 1
    assert "\x1b" not in proposal.toml


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Cổng xã Bình Minh", "cong-xa-binh-minh"),
        ("ĐỒNG NAI", "dong-nai"),
        ("---", ""),
        ("x" * 100, "x" * 63),
    ],
)
def test_names_are_made_of_vietnamese(text: str, name: str) -> None:
    assert make_name(text) == name


def test_nginx_variables_and_the_name_that_was_asked_for_are_filled_in() -> None:
    text = """
    server {
        server_name a.vn b.vn;
        set $base "/srv/chung";
        set $inner ${base}/a;
        root $inner/public;
    }
    server { server_name c.vn d.vn; root /srv/$host/web; }
    server { server_name e.vn f.vn; root /srv/$server_name; }
    server { server_name g.vn; root $document/x; }
    server { server_name h.vn; location / { set $x /srv/h; root $x; } }
    """

    assert [(it.names, it.root) for it in parse_nginx(text)] == [
        (("a.vn", "b.vn"), "/srv/chung/a/public"),
        (("c.vn",), "/srv/c.vn/web"),
        (("d.vn",), "/srv/d.vn/web"),
        (("e.vn", "f.vn"), "/srv/e.vn"),
        (("g.vn",), "$document/x"),
        (("h.vn",), "/srv/h"),
    ]


def test_includes_are_read_in_their_place() -> None:
    nginx = {"roots.inc": "root /srv/a; server_name more.vn;", "open.inc": "location / { root /x;"}
    apache = {"names.conf": "ServerAlias b.vn\nInclude more.conf", "more.conf": "ServerAlias c.vn"}

    assert parse_nginx(
        "http { server { server_name a.vn; include open.inc; include roots.inc; } }",
        lambda pattern: [nginx[pattern]],
    ) == [VirtualHost("nginx", ("a.vn", "more.vn"), "/srv/a")]
    assert parse_apache(
        """Define ROOT /srv/goc
        Define PUBLIC ${ROOT}/public
        <VirtualHost *>
        ServerName a.vn
        IncludeOptional names.conf
        DocumentRoot "${PUBLIC}/${UNKNOWN}"
        </VirtualHost>""",
        lambda pattern: [apache[pattern]],
    ) == [VirtualHost("apache", ("a.vn", "b.vn", "c.vn"), "/srv/goc/public/${UNKNOWN}")]


@pytest.mark.parametrize("parse", [parse_nginx, parse_apache])
@pytest.mark.parametrize("text", ["include x;\nserver{root /a;", "Include x\nDocumentRoot /a"])
def test_what_includes_itself_ends(parse: Parse, text: str) -> None:
    assert len(parse(text, lambda _pattern: [text])) < 20


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A machine whose servers' main files lead to sites that lie in no usual folder."""
    root = tmp_path / "whole"
    write(root, "/etc/nginx/nginx.conf", """
        http {
            include /etc/nginx/conf.d/*.conf;
            include vhosts/*/[a-z]*.conf;
            server { server_name goc.vn; root /srv/goc; }
        }""")  # fmt: skip
    write(root, "/etc/nginx/vhosts/tinh/xa.conf", "server { include snippets/xa.inc; }")
    write(root, "/etc/nginx/vhosts/tinh/.hidden.conf", "server { server_name hidden.vn; }")
    write(root, "/etc/nginx/snippets/xa.inc", "server_name xa.vn; set $a /srv; root $a/xa/web;")
    write(root, "/etc/nginx/conf.d/c.conf", "server { server_name c.vn; root /srv/c; }")
    write(root, "/etc/nginx/sites-enabled/d", "server { server_name d.vn; root /srv/d; }")
    write(root, "/etc/apache2/apache2.conf", "Define ROOT /srv\nIncludeOptional sites-enabled/*")
    write(root, "/etc/apache2/sites-enabled/e.conf",
          "<VirtualHost *>\nServerName e.vn\nDocumentRoot ${ROOT}/e\n</VirtualHost>")  # fmt: skip
    for name in ("goc", "c", "d", "e"):
        (root / "srv" / name).mkdir(parents=True)
    write(root, "/srv/xa/web/config.php", NUKEVIET)
    with closing(sqlite3.connect(root / "srv/c/tin.db")) as database:
        database.execute("CREATE TABLE t (x)")
        database.commit()
    write(root, "/srv/c/not.db", "no database")
    for name in ("mysql", "cong_xa_tan_phu", "mot@002dcua", "sys", "#innodb_temp"):
        (root / "var/lib/mysql" / name).mkdir(parents=True)
    write(root, "/var/lib/mysql/ibdata1", "")
    (root / "var/lib/postgresql/15").mkdir(parents=True)
    return root


SERVED = [
    ("c.vn", "/srv/c", ["/srv/c/tin.db"]),
    ("xa.vn", "/srv/xa/web", ["cong_xa_tan_phu"]),
    ("goc.vn", "/srv/goc", []),
    ("d.vn", "/srv/d", []),
    ("e.vn", "/srv/e", []),
]


def test_main_files_lead_to_every_site_once(whole: Path) -> None:
    looked = look_around(Below(whole, []))

    assert [
        (site.names[0], site.path, [it.database for it in site.databases]) for site in looked.sites
    ] == SERVED
    assert looked.notes == []


def test_databases_that_no_configuration_names_become_blocks(whole: Path) -> None:
    notes: list[Note] = []
    files = Below(whole, notes)
    sites = look_around(files).sites
    stored = list_databases(files, None)
    unnamed = find_unnamed(stored, [it for site in sites for it in site.databases])
    proposals = propose(sites, unnamed, taken=[], known_paths=[], place=SiteSetting("xa", "web1"))
    last = tomllib.loads("\n".join(it.toml for it in proposals))["sites"][-1]

    assert [it.database for it in stored] == ["cong_xa_tan_phu", "mot-cua"]
    assert [it.database for it in unnamed] == ["mot-cua"]
    assert notes == [Note("postgresql", "unlisted")]
    assert (last["name"], last["host"], last["unit"]) == ("mot-cua", "web1", "xa")
    assert last["databases"] == [
        {"name": "db", "engine": "mariadb", "database": "mot-cua", "host": "web1"}
    ]


def test_a_database_elsewhere_names_none_here() -> None:
    here = DatabaseSettings("", "mariadb", "tin")
    there = DatabaseSettings("joomla", "mariadb", "tin", address="192.0.2.20")

    assert find_unnamed([here], [there]) == [here]
    assert find_unnamed([here], [there], "192.0.2.20") == []


class _Rooted(LocalHost):
    """A host whose root is a folder: paths among a script's words begin there."""

    def __init__(self, root: Path) -> None:
        super().__init__("web1")
        self._root = os.fsencode(root)

    def run(self, command: Command, **options: Any) -> Completed:
        words = [self._root + it if it[:1] == b"/" else it for it in command[4:]]
        done = super().run([*command[:4], *words], **options)
        return done._replace(stdout=done.stdout.replace(self._root, b""))


def test_a_host_over_the_seam_is_seen_as_its_own_files_show_it(whole: Path) -> None:
    notes: list[Note] = []
    looked = look_around(FilesOnHost(_Rooted(whole), notes))

    assert [
        (site.names[0], site.path, [it.database for it in site.databases]) for site in looked.sites
    ] == SERVED
    assert notes == []


def test_what_a_host_hides_is_noted_and_a_pipe_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, "/a b/'x'.conf", "text\n")
    os.mkfifo(tmp_path / "pipe")
    files = FilesOnHost(_Rooted(tmp_path), [])

    assert files.names_in("/a b") == ["'x'.conf"]
    assert files.read("/a b/'x'.conf", 3) == b"tex"
    assert (files.read("/pipe"), files.read("/none"), files.names_in("/none")) == (None, None, [])
    assert files.resolve("/none/x") == "/none/x"
    assert files.notes == []


def test_an_account_behind_the_gate_is_told_apart_from_empty_folders() -> None:
    class Gated(LocalHost):
        def run(self, command: Command, **options: Any) -> Completed:
            words = [b"sh", b"-c", b"echo giucong gate: refused, x >&2; exit 126", *command]
            return super().run(words, **options)

    with pytest.raises(OpsError, match="does not let"):
        look_around(FilesOnHost(Gated(), []))


@pytest.mark.parametrize(
    ("parse", "text", "is_secure"),
    [
        (parse_nginx, "server { listen 80; root /srv/a; }", False),
        (parse_nginx, "server { listen [::]:8443 ssl; root /srv/a; }", True),
        (parse_nginx, "server { listen 443; ssl on; root /srv/a; }", True),
        (parse_apache, "<VirtualHost *:80>\nDocumentRoot /srv/a\n</VirtualHost>", False),
        (parse_apache, "<VirtualHost *:443>\nDocumentRoot /srv/a\n</VirtualHost>", True),
        (
            parse_apache,
            "<VirtualHost *:8443>\nSSLEngine on\nDocumentRoot /srv/a\n</VirtualHost>",
            True,
        ),
    ],
)
def test_https_is_proposed_only_where_it_is_served(
    parse: Parse, text: str, is_secure: bool
) -> None:
    (host,) = parse(text)
    assert host.is_secure is is_secure

    found = FoundSite(("a.vn",), host.server, "/etc", "/srv/a", (), is_secure=host.is_secure)
    (proposal,) = propose([found], taken=(), known_paths=())
    assert ('url = "https://a.vn"' in proposal.toml) is is_secure
    assert ('url = "http://a.vn"' in proposal.toml) is not is_secure
