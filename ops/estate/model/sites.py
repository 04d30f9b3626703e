"""Sites and their parts. Profiles and defaults are merged in before these models are built."""

from collections.abc import Mapping
from datetime import date
from pathlib import PurePosixPath
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from ops.estate.model.archive import SiteArchive
from ops.estate.model.changeable import Changeable
from ops.estate.model.monitor import SiteProbe, Thresholds
from ops.estate.model.organisation import DatedTitle, title_on
from ops.estate.model.policies import DatabaseRetention, Limits, Retention, Schedule, Targets
from ops.estate.model.site_drill import PageCheck, SiteDrill
from ops.estate.model.values import (
    Day,
    Flag,
    Name,
    OwnName,
    Part,
    Port,
    Positive,
    Schedulable,
    Secret,
    Text,
    folder_of,
    mistake,
)

RESERVED_SITE_NAMES = ("giucong", "luu-tru")


def _path_on(host: str | None, path: str, info: ValidationInfo) -> str:
    """Make a path on this machine absolute; on another host it has to be absolute already."""
    if host is None:
        return str(folder_of(info) / path)
    if not path.startswith("/"):
        raise mistake(
            'the path "{path}" is relative, but the host is "{host}"',
            "write the whole path, beginning with /",
            path=path,
            host=host,
        )
    return path


class Delivery(Part):
    """What is asked of a folder that another system fills."""

    max_age_hours: Positive = Field(
        default=26, description="So old its newest file, or its end marker, may be."
    )
    min_bytes: Positive | None = Field(
        default=None,
        description="So much all its files hold together at least.",
        examples=[1_000_000],
    )
    hash_file: str = Field(
        default="",
        description="File in it with hashes of the others, as `sha256sum` or `md5sum` write it.",
        examples=["SHA256SUMS"],
    )
    end_marker: str = Field(
        default="", description="File in it that is written last of all.", examples=["done"]
    )

    @field_validator("hash_file", "end_marker")
    @classmethod
    def _lies_in_the_folder(cls, name: str) -> str:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise mistake(
                'the file "{value}" does not lie in the delivered folder',
                "write its path from there, without / in front and without ..",
                value=name,
            )
        return str(path) if name else ""


class FilesPart(Part):
    """A folder of a site."""

    name: OwnName = Field(examples=["www"])
    source: Literal["files", "command", "sftp", "delivered"] = Field(
        default="files", description="files, command, sftp or delivered."
    )
    host: Name | None = Field(
        default=None,
        validate_default=True,
        description="Left out: this machine.",
        examples=["web1"],
    )
    path: Text = Field(description="The folder.", examples=["/var/www/portal"])
    command: str = Field(
        default="",
        validate_default=True,
        description="For `command`: its output is the backup.",
        examples=["/opt/cms/export"],
    )
    kind: Literal["content", "config", "system", "access-log"] = Field(
        default="content",
        description="content, config, system, or access-log: visits are counted from it.",
    )
    exclude: tuple[str, ...] = Field(
        default=(), description="Patterns besides the site's own.", examples=[["*.log"]]
    )
    one_file_system: Flag = Field(
        default=False, description="Leave other mounted file systems out.", examples=[True]
    )
    delivery: Delivery = Field(
        default=Delivery(), description="For `delivered`: what is asked of the delivery."
    )

    @field_validator("path")
    @classmethod
    def _path_starts_somewhere(cls, path: str, info: ValidationInfo) -> str:
        return _path_on(info.data.get("host"), path, info)

    @field_validator("host", "command")
    @classmethod
    def _source_is_complete(cls, value: str | None, info: ValidationInfo) -> str | None:
        source = info.data.get("source")
        if source == "command" and info.field_name == "command" and not value:
            raise mistake("a source of this kind needs a command", 'add `command = "..."`')
        if source == "sftp" and info.field_name == "host" and value is None:
            raise mistake("a source of this kind needs a host", 'add `host = "..."`')
        return value

    @model_validator(mode="after")
    def _delivery_fits(self) -> Self:
        if self.source != "delivered" and self.delivery != Delivery():
            raise mistake(
                "only a folder that another system fills has a delivery",
                'write `source = "delivered"`, or remove `delivery`',
            )
        return self


class DatabasePart(Part):
    """A database of a site."""

    name: OwnName = Field(examples=["db"])
    engine: Literal["mariadb", "postgresql", "sqlite"] = Field(
        description="mariadb, postgresql or sqlite.", examples=["mariadb"]
    )
    host: Name | None = Field(
        default=None, description="Through SSH on this host.", examples=["web1"]
    )
    address: str = Field(
        default="", description="Or directly: its address.", examples=["192.0.2.20"]
    )
    port: Port | None = Field(default=None, description="Or directly: its port.", examples=[3306])
    socket: str = Field(
        default="", description="Or directly: its socket.", examples=["/run/mysqld.sock"]
    )
    database: Text = Field(
        description="Its name; for sqlite the path of its file.", examples=["portal"]
    )
    user: str = Field(default="", description="Account in the database.", examples=["giucong"])
    password: Secret | None = Field(
        default=None, description="Its password.", examples=["file:var/keys/portal-db"]
    )
    lock_tables: Flag = Field(
        default=False,
        description="For `mariadb`: keep writers waiting while it is dumped, so that tables without"
        " transactions (MyISAM, Aria) are consistent too.",
        examples=[True],
    )
    schedule: Schedulable = Field(
        default="",
        description="Runs of this database alone, besides the site's own.",
        examples=["0 * * * *"],
    )
    retention: DatabaseRetention | None = Field(
        default=None,
        description="How many of these runs are kept; left out: as many as of the site.",
        examples=[{"keep_hourly": 48, "keep_daily": 14}],
    )

    @field_validator("database")
    @classmethod
    def _file_starts_somewhere(cls, database: str, info: ValidationInfo) -> str:
        if info.data.get("engine") != "sqlite":
            return database
        return _path_on(info.data.get("host"), database, info)

    @model_validator(mode="after")
    def _goes_one_way(self) -> Self:
        if self.engine == "sqlite" and (self.address or self.port or self.socket):
            raise mistake(
                "an SQLite database is a file: it has no address, port or socket",
                "remove them; `database` is the path of the file",
            )
        if self.lock_tables and self.engine != "mariadb":
            raise mistake(
                "only a MariaDB database has tables to lock",
                "remove `lock_tables`: others are consistent without it",
            )
        return self


class Lack(Part):
    """Something this site lacks for a while, with a reason."""

    lacks: Text = Field(description="What is missing.", examples=["system"])
    reason: Text = Field(description="Why.", examples=["Đang trình phê duyệt cấp độ"])
    until: Day = Field(description="Until when.", examples=["2027-12-31"])


class Site(Part):
    """A site: one repository in every store, one snapshot a run."""

    name: OwnName = Field(examples=["cong-chinh"])
    title: Changeable[Text] = Field(
        description="Its title today.", examples=["Cổng thông tin điện tử"]
    )
    unit: Name = Field(description="The unit it belongs to.", examples=["so-y-te"])
    owner: Name | None = Field(default=None, description="Who answers for it.", examples=["nva"])
    system: Name | None = Field(
        default=None, description="Its information system.", examples=["cong-ttdt"]
    )
    role: Literal["main", "component"] = Field(
        default="component", description="main or component."
    )
    profile: Name | None = Field(
        default=None,
        description="What it has in common with others: one of `[profiles]`, or a shipped one"
        " (wordpress, nukeviet, mediawiki).",
        examples=["wordpress"],
    )
    host: Name | None = Field(
        default=None, description="The host of all parts that name none.", examples=["web1"]
    )
    url: str = Field(
        default="", description="Its address.", examples=["https://www.example.gov.vn"]
    )
    pages: tuple[str, ...] = Field(
        default=(),
        description="Noted at backup time, compared in drills.",
        examples=[["/", "/lien-he"]],
    )
    page_check: PageCheck = Field(
        default=PageCheck(), description="What is asked of the noted pages."
    )
    probe: SiteProbe = Field(default=SiteProbe(), description="How the watch asks it.")
    classes: tuple[Name, ...] = Field(
        default=(), description="Classes of content it holds.", examples=[["news", "feedback"]]
    )
    exclude: tuple[str, ...] = Field(
        default=(),
        description="Patterns that are left out; a folder is saved empty.",
        examples=[["cache/**"]],
    )
    names: Changeable[tuple[DatedTitle, ...]] = Field(
        default=(), description="Earlier and coming titles, each from a day on."
    )
    schedule: Schedule = Field(default=Schedule(), description="When things run.")
    targets: Targets = Field(default=Targets(), description="The Center's own targets.")
    limits: Limits = Field(default=Limits(), description="What one run may take.")
    retention: Retention = Field(default=Retention(), description="How many backups are kept.")
    files: tuple[FilesPart, ...] = Field(default=(), description="Its folders.")
    databases: tuple[DatabasePart, ...] = Field(default=(), description="Its databases.")
    drill: SiteDrill = Field(
        default=SiteDrill(), description="How a drill starts the restored site."
    )
    thresholds: Thresholds | None = Field(
        default=None,
        description="From what on something of this site is red, where it is not as for all.",
    )
    archive: SiteArchive | None = Field(
        default=None, description="What of it is archived; left out: nothing."
    )
    exceptions: tuple[Lack, ...] = Field(
        default=(), description="What it lacks for a while, and why."
    )

    @model_validator(mode="before")
    @classmethod
    def _pass_host_on(cls, data: Any) -> Any:
        """Give the site's host to parts that name neither a host nor a direct connection."""
        if not isinstance(data, dict) or "host" not in data:
            return data
        passed = dict(data)
        for section in ("files", "databases"):
            parts = data.get(section)
            if isinstance(parts, list):
                passed[section] = [_with_host(part, data["host"]) for part in parts]
        return passed

    @field_validator("name")
    @classmethod
    def _name_is_free(cls, name: str) -> str:
        if name in RESERVED_SITE_NAMES:
            raise mistake(
                'the name "{value}" belongs to the service itself',
                "give the site another name",
                value=name,
            )
        return name

    @model_validator(mode="after")
    def _pages_lie_somewhere(self) -> Self:
        starts = ("https://", "http://")
        if not self.url.startswith(starts) and not all(it.startswith(starts) for it in self.pages):
            raise mistake(
                'the site has `pages`, but its `url` "{url}" is no address they could lie below',
                'write `url = "https://..."`',
                url=self.url,
            )
        return self

    @model_validator(mode="after")
    def _asked_pages_are_noted(self) -> Self:
        for page in self.page_check.must_contain:
            if page not in self.pages:
                raise mistake(
                    '`must_contain` of `page_check` names the page "{page}", which is not noted',
                    "add it to `pages`, or write it as it stands there",
                    page=page,
                )
        return self

    @model_validator(mode="after")
    def _drill_root_is_there(self) -> Self:
        name = self.drill.root.partition("/")[0]
        if name and name not in {it.name for it in self.files}:
            raise mistake(
                'the site has no folder "{name}" among its `files`',
                "write `root` as the name of one, or as a folder below it",
                name=name,
            )
        return self

    @model_validator(mode="after")
    def _archive_reads_something(self) -> Self:
        if self.archive is not None:
            databases, files = ([it.name for it in part] for part in (self.databases, self.files))
            self.archive.ensure_fits(self.url, databases, files)
        return self

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if not self.files and not self.databases:
            raise mistake(
                "the site has neither files nor databases: nothing would be saved",
                "add `[[sites.files]]` with `name` and `path`, or `[[sites.databases]]`",
            )
        return self

    def title_on(self, day: date) -> str:
        """Give the title that is valid on a day; today's where no dated row says otherwise."""
        row = title_on(self.names, day)
        return row.name if row else self.title


def _with_host(part: object, host: object) -> object:
    if not isinstance(part, dict) or {"host", "address", "port", "socket"} & part.keys():
        return part
    return {**part, "host": host}


class Defaults(Part):
    """What holds for every site that does not say otherwise."""

    schedule: Schedule = Field(default=Schedule(), description="When things run.")
    targets: Targets = Field(
        default=Targets(), description="The Center's own targets, not the law's."
    )
    limits: Limits = Field(default=Limits(), description="What one run may take.")
    retention: Retention = Field(default=Retention(), description="How many backups are kept.")


def make_built_in(
    name: str, title: str, defaults: Defaults, schedule: Mapping[str, str], files: tuple[Any, ...]
) -> Site:
    """Give a site that stands in no file: what `schedule` leaves out is as for all sites."""
    return Site.model_construct(
        name=name,
        title=title,
        unit=name,
        schedule=defaults.schedule.model_copy(update=schedule),
        targets=defaults.targets,
        limits=defaults.limits,
        retention=defaults.retention,
        files=files,
    )


Profile = dict[str, Any]
