"""An estate as the how-to installs it, and its service with people at terminals."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops.catalog.open import open_catalog
from tests.installed_machine import open_folder
from tests.installed_service import InstalledService, give_to, installed_service
from tests.integration.jobs.small_estate import build_estate
from tests.people import KEY_TEXT, appoint, enrol

PEOPLE = """
[[people]]
name = "ttb"
title = "Trần Thị B"
mail = "ttb@example.vn"
login = "ttb"
"""


def install(folder: Path, more: str = "") -> Path:
    """Build an estate as the how-to has it: its folder is root's, its state the service's."""
    estate, var = folder / "etc", folder / "var"
    path = build_estate(estate, PEOPLE + more.replace("{folder}", str(folder)))
    (var / "keys").mkdir(parents=True)
    text = path.read_text(encoding="utf-8")
    for name in ("state", "scratch", "cache"):
        text = text.replace(f'{name} = "{name}"', f'{name} = "{var}/{name}"')
    text = text.replace("sqlite:///state", f"sqlite:///{var}/state")
    text = text.replace('"stores/near"', f'"{var}/stores/near"')
    text = text.replace(
        'repository = "file:keys/repository.key"',
        f'repository = "file:{var}/keys/repository.key"\n'
        f'credentials = "file:{var}/keys/credentials.key"',
    )
    for name in ("path", "database"):
        text = text.replace(f'{name} = "www', f'{name} = "{folder}/www')
    text = text.replace('mail = "nva@example.vn"', 'mail = "nva@example.vn"\nlogin = "nva"')
    path.write_text(text, encoding="utf-8")
    (estate / "www").rename(folder / "www")
    (var / "keys" / "credentials.key").write_text(KEY_TEXT)
    (var / "keys" / "credentials.key").chmod(0o600)
    (var / "state").mkdir()
    with open_catalog(f"sqlite:///{var}/state/giucong.db") as catalog:
        began = datetime.now(UTC) - timedelta(days=1)
        enrol(catalog, "nva", "operator", "backup_admin", now=began)
        appoint(catalog, "ttb", "viewer", now=began)
    give_to("giucong", var, folder / "www")
    return estate


@contextmanager
def installed(more: str = "") -> Iterator[InstalledService]:
    """Run it, with one backup; `more` stands in its file, `{folder}` for where it lies."""
    with (
        open_folder("giucong-door-") as folder,
        installed_service(install(folder, more), folder / "log") as running,
    ):
        done = running.run("nva", "backup.init")
        assert done.returncode in {0, 3}, done.stderr + running.log.read_text()
        assert running.run("nva", "backup.run", "--site", "cong-xa").returncode == 0
        yield running
