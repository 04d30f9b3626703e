"""The archive in the estate: where it lies, and what of a site it takes."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from ops.estate.model.values import Flag, LocalPath, Name, OwnName, Part, Positive, Text, mistake

SQL_CONNECTORS = ("wordpress", "mediawiki", "nukeviet", "mapping")
"""Connectors that read a database; the others read the site itself."""

ROOT_NAMES = ("public", "private")
"""What tasks call the archive's own roots; its copies have other names."""


class ArchiveCopy(Part):
    """A plain folder with a copy of the archive's public root."""

    name: OwnName = Field(examples=["second"])
    url: LocalPath = Field(description="The folder.", examples=["/mnt/second/archive"])
    location: Text = Field(description="Where it stands.", examples=["Biên Hòa"])
    medium: Text = Field(default="disk", description="What it is on.", examples=["disk"])
    reread_days: Positive = Field(default=90, description="Every byte is read again within.")


class ArchiveSettings(Part):
    """The archive: what portals said, kept for good."""

    url: LocalPath = Field(
        default=Path("var/archive"),
        description="Folder of the archive itself.",
        examples=["var/archive"],
    )
    private: LocalPath = Field(
        default=Path("var/archive-private"),
        description="Folder for access grades 3 and 4 and for personal parts.",
        examples=["var/archive-private"],
    )
    reread_days: Positive = Field(default=30, description="Every byte is read again within.")
    retention: tuple[LocalPath, ...] = Field(
        default=(),
        description="Tables of how long classes are kept, besides the one that ships.",
        examples=[["retention.toml"]],
    )
    copies: tuple[ArchiveCopy, ...] = Field(
        default=(),
        description="Plain copies; those far away are the site `luu-tru` in every store.",
    )

    @model_validator(mode="after")
    def _lies_apart(self) -> Self:
        folders = [self.url, self.private, *(it.url for it in self.copies)]
        for one in folders:
            if any(one != other and other.is_relative_to(one) for other in folders):
                raise mistake("one folder of the archive lies in another", "name folders apart")
        if len(set(folders)) < len(folders):
            raise mistake("two folders of the archive are one", "name folders apart")
        return self

    @model_validator(mode="after")
    def _copies_are_not_roots(self) -> Self:
        for copy in self.copies:
            if copy.name in ROOT_NAMES:
                raise mistake(
                    'the name "{name}" belongs to a root of the archive itself',
                    "give the copy another name",
                    name=copy.name,
                )
        return self


class WebCapture(Part):
    """How a site's pages are captured."""

    start: tuple[str, ...] = Field(
        default=("/",), description="Where the crawl begins.", examples=[["/"]]
    )
    pages_a_minute: Positive = Field(default=30, description="At most so many requests.")
    pages: Positive = Field(
        default=20_000, description="At most so many requests in one run, pictures included."
    )
    gigabytes: Positive = Field(default=20, description="At most so much in one run.")
    hours: Positive = Field(
        default=4, description="At most so long in one run; what is left comes in the next."
    )
    javascript: Flag = Field(
        default=False, description="Pages are drawn by a browser; not in this version."
    )
    exclude: tuple[str, ...] = Field(
        default=(), description="Paths that are left out.", examples=[["/tim-kiem"]]
    )


class SiteArchive(Part):
    """What of a site is archived; left out, the site is not, and a duty says so."""

    connector: Literal["wordpress", "mediawiki", "nukeviet", "mapping", "feed", "sitemap"] = Field(
        description="What understands the site's articles.", examples=["wordpress"]
    )
    part: Name | None = Field(
        default=None, description="The database it reads; left out: the first.", examples=["db"]
    )
    files: str = Field(
        default="",
        description="The folder of `files`, or one below it, that the portal's own paths start at;"
        " left out: the first.",
        examples=["www"],
    )
    origin: Literal["backup", "live"] = Field(
        default="backup",
        alias="from",
        description="backup: the newest, loaded in the sandbox; live: the running database.",
    )
    mapping: LocalPath | None = Field(
        default=None, description="For `mapping`: its file.", examples=["mapping.toml"]
    )
    feeds: tuple[str, ...] = Field(
        default=(),
        description="For `feed` and `sitemap`: paths or addresses below the site's.",
        examples=[["/feed"]],
    )
    options: dict[str, str] = Field(
        default_factory=dict,
        description="Of the connector, e.g. the tables' prefix.",
        examples=[{"prefix": "wp_"}],
    )
    classes: dict[str, Name] = Field(
        default_factory=dict,
        description="The portal's categories → content classes; others get the site's first.",
        examples=[{"Thông cáo báo chí": "spokesperson"}],
    )
    officer: Name | None = Field(
        default=None,
        description="Who answers for it that an author is not known; left out: the site's owner.",
        examples=["nva"],
    )
    web: WebCapture | None = Field(
        default=None, description="Its pages are captured too; left out: they are not."
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if (self.connector == "mapping") != (self.mapping is not None):
            raise mistake(
                '`connector = "mapping"` and `mapping` belong together',
                'write both, e.g. `connector = "mapping"` and `mapping = "portal.toml"`',
            )
        if self.feeds and self.connector in SQL_CONNECTORS:
            raise mistake(
                "only `feed` and `sitemap` have feeds", "remove `feeds`, or choose one of these"
            )
        if self.web and self.web.javascript:
            raise mistake(
                "pages that a browser has to draw cannot be captured yet",
                "write `javascript = false`",
            )
        return self

    def ensure_fits(self, url: str, databases: Collection[str], files: Collection[str]) -> None:
        """Refuse what the site does not have.

        Args:
            url: The site's address.
            databases: Their names.
            files: Names of its folders.

        Raises:
            PydanticCustomError: There is no such part, or no address.
        """
        if self.connector not in SQL_CONNECTORS:
            if not url:
                raise mistake(
                    "the archive reads this site through its address, and it has none",
                    'write `url = "https://..."`',
                )
            return
        if not databases or (self.part and self.part not in databases):
            raise mistake(
                "the site has no database that the archive could read",
                "write `part` as the name of one of its `databases`",
            )
        folder = self.files.partition("/")[0]
        if folder and folder not in files:
            raise mistake(
                'the site has no folder "{name}" among its `files`',
                "write `files` of `archive` as the name of one, or as a folder below it",
                name=folder,
            )
