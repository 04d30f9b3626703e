"""Configurations as they really look, and hostile ones: what is found, and that nothing leaks."""

import os
import sqlite3
import time
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from ops.estate.discovery.apache import parse_apache
from ops.estate.discovery.applications import (
    parse_dotenv,
    parse_drupal,
    parse_joomla,
    parse_wordpress,
)
from ops.estate.discovery.findings import DatabaseSettings, VirtualHost
from ops.estate.discovery.looking import Note, look_around
from ops.estate.discovery.nginx import parse_nginx
from ops.estate.discovery.proposing import make_name, propose

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
        VirtualHost("nginx", names[:1], "/var/www/Cổng xã Bình Minh/public"),
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
        (parse_dotenv("DATABASE_URL=mysql://[::1/db"), None),
    ],
    ids=range(11),
)  # fmt: skip
def test_the_database_is_found_and_its_password_only_noted(
    settings: DatabaseSettings | None, expected: DatabaseSettings | None
) -> None:
    assert settings == expected
    assert "khau" not in repr(settings)


HOSTILE = [
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


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_ends_soon_and_breaks_nothing(text: str) -> None:
    started = time.process_time()
    for parse in (parse_nginx, parse_apache):
        assert isinstance(parse(text), list)
    for read in (parse_wordpress, parse_joomla, parse_drupal, parse_dotenv):
        read(text)

    assert time.process_time() - started < 5


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
    looked = look_around(machine)

    assert [(site.path, [it.database for it in site.databases]) for site in looked.sites] == [
        ("/var/www/Cổng xã Bình Minh", ["cong_xa"]),
        ("/var/www/so-y-te", ["/var/www/so-y-te/data/tin.db"]),
        ("/var/www/Sở Y tế", ["cong_thong_tin"]),
    ]
    assert looked.notes == [
        Note("xabinhminh.dongnai.gov.vn www.xabinhminh.dongnai.gov.vn", "no_root")
    ]


def test_proposals_are_blocks_that_hold_no_password(machine: Path) -> None:
    proposals = propose(look_around(machine).sites, taken=["soyte"], known_paths=[], unit="xa")
    text = "\n".join(it.toml for it in proposals)
    sites = tomllib.loads(text)["sites"]

    assert [site["name"] for site in sites] == ["xabinhminh", "so-y-te", "soyte-2"]
    assert sites[0]["databases"][0].get("password") == "file:var/keys/xabinhminh-db"
    assert "estate.secret --name file:var/keys/xabinhminh-db" in text
    assert "khau" not in text
    assert "bi-mat" not in text
    assert [it.secrets for it in proposals][1] == ()


def test_what_the_estate_has_is_not_proposed_again(machine: Path) -> None:
    found = look_around(machine).sites
    known = ["/var/www/so-y-te", "/var/www/Sở Y tế"]

    assert len(propose(found, taken=[], known_paths=known, unit="")) == 1


def test_hostile_names_stay_inside_their_block(tmp_path: Path) -> None:
    write(
        tmp_path,
        "/etc/nginx/conf.d/x.conf",
        'server { server_name "a\n[[sites]]\nname = 1\x1b[2J"; root "/srv/x\n[y]\n"; }',
    )
    (tmp_path / "srv/x\n[y]\n").mkdir(parents=True)
    (proposal,) = propose(look_around(tmp_path).sites, taken=[], known_paths=[], unit="xa")

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
