"""A small portal on the machine of a test, which the service there is to back up and drill.

PHP on MariaDB through its socket, a live SQLite database beside it in WAL mode, a folder of the web
server's group; everything belongs to the web server, and nobody else may read it.
"""

from tests.systemd_machine import SystemdMachine

SITE = "/srv/www/cong-xa"
_SOCKET = "/run/mysqld/mysqld.sock"
_PAGE = """<?php
$data = new mysqli('localhost', 'web', 'w', 'portal', 0, '/run/mysqld/mysqld.sock');
$data->set_charset('utf8mb4');
echo '<!doctype html><title>Cổng xã</title><h1>Cổng thông tin xã Bình Minh</h1>';
foreach ($data->query('SELECT title FROM posts ORDER BY id') as $row)
  echo '<p>', preg_replace('/\\s+/u', ' ', $row['title']), '</p>';
"""
_TABLES = """
CREATE DATABASE portal CHARACTER SET utf8mb4;
CREATE TABLE portal.posts (id INT PRIMARY KEY, title TEXT);
INSERT INTO portal.posts VALUES (1, 'Lịch tiếp công dân'), (2, 'Thông báo số 26');
CREATE USER web@localhost IDENTIFIED BY 'w';
GRANT ALL ON portal.* TO web@localhost;
CREATE USER giucong@localhost IDENTIFIED VIA unix_socket;
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, SHOW CREATE ROUTINE ON portal.* TO giucong@localhost;
GRANT SELECT ON mysql.* TO giucong@localhost;
"""
_LIVE = """
import os, sqlite3
database = sqlite3.connect("live.db")
database.execute("PRAGMA journal_mode = WAL")
database.execute("CREATE TABLE uploads (name TEXT)")
database.executemany("INSERT INTO uploads VALUES (?)", [(f"anh-{it}.jpg",) for it in range(20)])
database.commit()
os._exit(0)  # the log stays, as that of a server that runs
"""
_MADE = f"""
install -d -o mysql -g mysql /srv/mysql /run/mysqld
mariadb-install-db --no-defaults --user=mysql --datadir=/srv/mysql --skip-test-db \
  --auth-root-authentication-method=socket > /dev/null
systemd-run --quiet --unit=portal-data -p User=mysql -p Type=notify mariadbd --no-defaults \
  --datadir=/srv/mysql --socket={_SOCKET} --skip-networking --innodb-buffer-pool-size=32M
mkdir -p {SITE}/data {SITE}/uploads
chmod g+s {SITE}/uploads
"""
_SERVED = f"""
chown -R www-data: {SITE}
chmod -R o= {SITE}
systemd-run --quiet --unit=portal -p User=www-data php -S 127.0.0.1:8080 -t {SITE}
"""
ESTATE = """
schema = 1
[organisation]
name = "Trung tâm Công nghệ thông tin"
language = "vi"
[[stores]]
name = "near"
url = "/srv/stores/near"
role = "primary"
location = "đây"
medium = "disk"
[[units]]
name = "xa"
title = "Xã Bình Minh"
[[people]]
name = "nva"
title = "Nguyễn Văn A"
mail = "nva@example.vn"
[defaults.schedule]
full_read = ""
"""
SITE_OF_ESTATE = f"""
[[sites]]
name = "cong-xa"
title = "Cổng xã Bình Minh"
unit = "xa"
owner = "nva"
url = "http://127.0.0.1:8080"
pages = ["/"]
  [[sites.files]]
  name = "www"
  path = "{SITE}"
  [[sites.databases]]
  name = "db"
  engine = "mariadb"
  database = "portal"
  user = "giucong"
  socket = "{_SOCKET}"
  [[sites.databases]]
  name = "live"
  engine = "sqlite"
  database = "{SITE}/data/live.db"
"""


def build_portal(machine: SystemdMachine) -> None:
    """Make it and start it; the service's account in MariaDB needs no password."""
    machine.script(_MADE)
    machine.run("mariadb", "--no-defaults", f"--socket={_SOCKET}", typed=_TABLES)
    machine.run("tee", f"{SITE}/index.php", typed=_PAGE)
    machine.run("env", "-C", f"{SITE}/data", "/opt/giucong/.venv/bin/python", "-c", _LIVE)
    machine.script(_SERVED)
