"""WordPress is rehearsed behind nginx and php-fpm, with production's own configuration."""

import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from ops.estate.model.site_drill import SiteDrill
from ops.sandbox.plan import FilesPlan, RehearsalPlan, ServingPlan
from ops.sandbox.rehearse import rehearse
from ops.sandbox.result import RehearsalResult
from tests.integration.drills.test_isolation import rehearse_as_nobody
from tests.integration.drills.test_rehearsals import make_php, note, told
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.portal import PROVINCE_PAGES, PhpSite, make_province_portal
from tests.rehearsals import describe_site, take_copy, write_estate

__all__ = ["mariadb_server"]

pytestmark = pytest.mark.slow

NAME = "cong-tinh"
PHP = Path("/etc/php/8.4/fpm")
GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "rehearse-a-restore.md"
VIRTUAL_HOST = r"""
server {
    LISTEN
    server_name HOST;
    root FOLDER;
    index index.php;
    access_log /var/log/nginx/cong-tinh.log;
    location / { try_files $uri $uri/ /index.php?$args; }
    location ~ \.php$ {
        include snippets/fastcgi-php.conf;
        fastcgi_pass unix:/run/php/php8.4-fpm.sock;
    }
}
"""
ENCRYPTED = """listen 443 ssl;
    listen [::]:443 ssl;
    ssl_certificate /etc/letsencrypt/live/a/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/a/privkey.pem;"""
WHO = "<?php echo '<title>', PHP_SAPI, '</title>', ini_get('memory_limit'), posix_getuid() > 0;"


@pytest.fixture(scope="module")
def copy(mariadb_server: MariadbServer) -> Iterator[RehearsalPlan]:
    """A copy of the portal, with the folders that configure its web server."""
    with tempfile.TemporaryDirectory(prefix="giucong-drill-") as folder:
        top = Path(folder)
        top.chmod(0o755)
        site = make_province_portal(top / "www", mariadb_server)
        (site.folder / "ai.php").write_text(WHO, encoding="utf-8")
        block = describe_site(NAME, site.address, PROVINCE_PAGES, site.folder, database_of(
            site, mariadb_server, top / "keys"))  # fmt: skip
        with site.running():
            plan = take_copy(write_estate(top / "estate", block), NAME, top / "work")
        yield with_web_server(plan, site)


def database_of(site: PhpSite, server: MariadbServer, keys: Path) -> str:
    keys.mkdir()
    (keys / "db").write_text(f"{site.password}\n", encoding="utf-8")
    return f"""
  [[sites.databases]]
  name = "db"
  engine = "mariadb"
  socket = "{server.socket}"
  database = "{site.database}"
  user = "{site.reader}"
  password = "file:{keys}/db"
"""


def read_guide() -> list[SiteDrill]:
    """Give what the guide tells to write under `[sites.drill]`."""
    blocks = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    return [SiteDrill(**tomllib.loads(dedent(it))["sites"]["drill"]) for it in blocks]


def served(folder: str, drill: SiteDrill) -> ServingPlan:
    return ServingPlan(way="command", folder=folder, command=drill.command, port=drill.port)


def lay_beside(work: Path, listen: str, host: str, folder: str) -> tuple[FilesPlan, ...]:
    """Lay production's configuration beside a copy: the package's own, and one virtual host."""
    nginx, php = work / "restored" / "nginx", work / "restored" / "php"
    shutil.copytree("/etc/nginx", nginx, symlinks=True)
    (nginx / "sites-enabled" / "default").unlink()
    words = {"LISTEN": listen, "HOST": host, "FOLDER": folder}
    text = re.sub("|".join(words), lambda found: words[found[0]], VIRTUAL_HOST)
    (nginx / "sites-enabled" / "cong-tinh").write_text(text, encoding="utf-8")
    shutil.copytree(PHP, php, symlinks=True)
    with (php / "pool.d" / "www.conf").open("a", encoding="utf-8") as pool:
        pool.write("php_admin_value[memory_limit] = 177M\n")
    return (
        FilesPlan(name="nginx", restored=str(nginx), live="/etc/nginx"),
        FilesPlan(name="php", restored=str(php), live=str(PHP)),
    )


def with_web_server(plan: RehearsalPlan, site: PhpSite) -> RehearsalPlan:
    listen, folder = f"listen {site.port};", str(site.folder)
    parts = lay_beside(Path(plan.work), listen, "127.0.0.1", folder)
    who = note("/ai.php", "<title>fpm-fcgi</title>177M1")
    return replace(
        plan,
        files=(*plan.files, *parts),
        pages=(*plan.pages, who),
        serving=served(folder, read_guide()[0]),
    )


def check(result: RehearsalResult) -> None:
    assert told(result) == [], result.log
    assert result.way == "command"
    assert [it.verdict for it in result.pages] == ["same"] * (len(PROVINCE_PAGES) + 1)


def test_nginx_and_php_fpm_run_with_productions_own_configuration(copy: RehearsalPlan) -> None:
    check(rehearse(copy))


def test_a_user_without_rights_starts_them_too(copy: RehearsalPlan) -> None:
    result = rehearse_as_nobody(copy)

    check(result)
    assert result.isolation.way == "user"


def test_an_https_virtual_host_is_derived_as_the_guide_says(tmp_path: Path) -> None:
    plan = make_php(tmp_path, WHO)
    parts = lay_beside(Path(plan.work), ENCRYPTED, "cong-xa.example.vn", "/srv/www")
    page = note("/van-ban/7", "<title>fpm-fcgi</title>177M1")

    result = rehearse(
        replace(
            plan,
            files=(*plan.files, *parts),
            pages=(page,),
            serving=served("/srv/www", read_guide()[-1]),
        )
    )

    assert told(result) == [], result.log
