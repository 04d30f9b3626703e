"""Where backups are kept."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from backup.stores.kinds import find_kind
from ops.estate.model.policies import StoreRetention
from ops.estate.model.values import (
    Flag,
    Limits,
    LocalPath,
    Name,
    OwnName,
    Part,
    Place,
    Positive,
    Secret,
    Text,
    is_reference,
    limits_of,
    mistake,
)

_MADE_FROM_ANOTHER = ("mirror", "copy")


def _same_bytes() -> PydanticCustomError:
    return mistake(
        "a mirror holds the same bytes: it has no key or retention of its own",
        'remove `key` and `retention`, or write `role = "copy"`',
    )


class ObjectLock(Part):
    """A promise of the store that nothing is deleted for a while."""

    mode: Literal["governance", "compliance"] = Field(
        description="governance, or compliance (nobody at all can shorten it)."
    )
    days: Positive = Field(description="Nothing is deleted for so many days.", examples=[90])
    basis: str = Field(default="", description="The decision that asks for compliance.")
    cap_days: Positive | None = Field(default=None, description="Compliance never lasts longer.")
    confirmed: Flag = Field(
        default=False,
        description="Of compliance only: whoever is responsible knows that nobody can undo it.",
    )

    @model_validator(mode="after")
    def _compliance_is_founded(self) -> Self:
        if self.mode == "compliance" and not (self.basis and self.cap_days and self.confirmed):
            raise mistake(
                "compliance cannot be undone by anybody, so it needs a basis, a cap and a"
                " confirmation",
                'add `basis = "..."`, `cap_days = ...` and `confirmed = true`, or write'
                ' `mode = "governance"`',
            )
        if self.cap_days is not None and self.cap_days < self.days:
            raise mistake(
                "{days} days are more than the cap of {cap_days}",
                "make `days` smaller or `cap_days` larger",
                days=self.days,
                cap_days=self.cap_days,
            )
        return self


class Store(Part):
    """A place that keeps one repository a site, at `<url>/<site>`."""

    name: OwnName = Field(examples=["near"])
    url: Place = Field(
        description="A path, `sftp:user@host:/path`, `s3:https://host/bucket/prefix`, or a"
        " reference.",
        examples=["var/stores/near"],
    )
    role: Literal["primary", "mirror", "copy"] = Field(
        description="primary (exactly one), mirror (same bytes, same key) or copy (own key).",
        examples=["primary"],
    )
    of: Name | None = Field(
        default=None,
        validate_default=True,
        description="The store that a mirror or copy is made from.",
        examples=["near"],
    )
    location: Text = Field(description="Where it stands.", examples=["Trung tâm dữ liệu"])
    medium: Text = Field(description="disk, object, tape...", examples=["disk"])
    key: Secret | None = Field(
        default=None,
        validate_default=True,
        description="A copy's own password.",
        examples=["file:var/keys/offsite.key"],
    )
    access_key: Secret | None = Field(
        default=None, description="S3 access key.", examples=["env:S3_ACCESS_KEY"]
    )
    secret_key: Secret | None = Field(
        default=None, description="S3 secret key.", examples=["env:S3_SECRET_KEY"]
    )
    region: str = Field(default="", description="S3 region.", examples=["vn-1"])
    identity: Secret | None = Field(
        default=None, description="SSH key for sftp.", examples=["file:var/keys/sftp"]
    )
    known_hosts: LocalPath | None = Field(
        default=None, description="Host keys for sftp.", examples=["var/keys/known_hosts"]
    )
    object_lock: ObjectLock | None = Field(
        default=None,
        description="Object Lock of an S3 store.",
        examples=[{"mode": "governance", "days": 90}],
    )
    limit_mbps: Limits | None = Field(
        default=None,
        description="Megabits a second, the same all day or by part of the day.",
        examples=[{"default": 50, "07:00-19:00": 10}],
    )
    retention: StoreRetention | None = Field(
        default=None, description="What this store keeps longer or shorter than the sites ask for."
    )

    # Of fields, not of the whole: what the role asks for is told together with what is missing.
    @field_validator("of")
    @classmethod
    def _role_has_source(cls, of: str | None, info: ValidationInfo) -> str | None:
        role = info.data.get("role", "")
        if role == "primary" and of is not None:
            raise mistake("a primary store is not made from another", "remove `of`")
        if role in _MADE_FROM_ANOTHER and of is None:
            raise mistake(
                "a {role} needs to know which store it is made from",
                'add the name of that store, e.g. `of = "near"`',
                role=role,
            )
        return of

    @field_validator("key")
    @classmethod
    def _role_has_key(cls, key: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("role") == "copy" and key is None:
            raise mistake(
                "a copy has a key of its own, and none is given",
                'add `key = "file:var/keys/{name}.key"`',
                name=info.data.get("name", "offsite"),
            )
        if info.data.get("role") == "mirror" and key is not None:
            raise _same_bytes()
        return key

    @field_validator("retention")
    @classmethod
    def _role_has_retention(
        cls, retention: StoreRetention | None, info: ValidationInfo
    ) -> StoreRetention | None:
        if info.data.get("role") == "mirror" and retention is not None:
            raise _same_bytes()
        return retention

    @model_validator(mode="after")
    def _lock_fits(self) -> Self:
        kind = find_kind(self.url)
        can_lock = is_reference(self.url) or (kind is not None and kind.has_versions)
        if self.object_lock is not None and not can_lock:
            raise mistake(
                "Object Lock exists in S3 stores only",
                "remove `object_lock`, or keep the store in S3",
            )
        return self

    def limits(self) -> Mapping[str, int]:
        """Give megabits a second by part of the day; the rest of the day is `default`."""
        return limits_of(self.limit_mbps)
