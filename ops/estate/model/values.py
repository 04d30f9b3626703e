"""The kinds of value an estate file holds, each with its own clear mistake.

Validators read the folder of the main estate file from pydantic's context, so that every relative
path, in whatever file it stands, starts there.
"""

import re
import types
import typing
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from backup.stores.kinds import find_kind, is_remote
from ops.errors import WrongUseError

REFERENCE_SCHEMES = ("file:", "env:", "credential:")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PASSWORD = re.compile(r"(?:^|://)[^/@\s:]*:[^/@\s]+@")
_SECRET_PARAMETERS = re.compile(
    r"pass|pwd|token|secret|key|signature|credential|^sig$", re.IGNORECASE
)


class Part(BaseModel):
    """Base of all estate models: frozen, and a key that is not known is a mistake."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        hide_input_in_errors=True,
        revalidate_instances="always",  # default parts are made without a folder
        validate_by_name=False,
        validate_by_alias=True,
    )


class Reference(str):
    """Where a secret is kept: `file:PATH` (absolute by now), `env:NAME` or `credential:NAME`."""

    __slots__ = ()


def mistake(what: str, fix: str, **params: object) -> PydanticCustomError:
    """Give the exception with which a validator reports a mistake and how to correct it."""
    return PydanticCustomError("estate", "{what}", {"what": what, "fix": fix, "params": params})


def folder_of(info: ValidationInfo) -> Path:
    """Give the folder that relative paths start at."""
    return Path((info.context or {}).get("folder", "."))


def is_name(value: str) -> bool:
    """Tell whether something can be a file name, a tag and a host name alike."""
    return _NAME.fullmatch(value) is not None


def check_name(value: str) -> str:
    """Refuse what `is_name` is not true of."""
    if not is_name(value):
        raise mistake(
            '"{value}" cannot be a name',
            "use lower-case letters a-z, digits and hyphens only, e.g. `so-y-te`",
            value=value,
        )
    return value


def check_schedule(value: str) -> str:
    """Refuse what is neither a window nor a cron line; an empty text is no schedule."""
    from ops.schedule.windows import parse_schedule

    try:
        parse_schedule(value, ZoneInfo("UTC"))
    except WrongUseError as error:
        raise mistake(error.what, error.next_step, **error.params) from error
    return value


def check_window(value: str) -> str:
    """Refuse what is not a part of the day such as `07:00-19:00`."""
    if not value[:2].isdigit() or ":" not in value:
        raise mistake(
            '"{value}" is not a part of the day', 'write it like `"07:00-19:00"`', value=value
        )
    return check_schedule(value)


def check_zone(value: str) -> str:
    """Refuse a time zone that this machine does not know."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise mistake(
            'the time zone "{value}" is not known',
            'write `timezone = "Asia/Ho_Chi_Minh"`; if it is right, install the package `tzdata`',
            value=value,
        ) from error
    return value


def is_reference(value: str) -> bool:
    """Tell a reference from a literal."""
    return value.startswith(REFERENCE_SCHEMES)


def make_reference(value: str, info: ValidationInfo) -> Reference:
    """Read a reference; a literal is refused, for the estate file holds no secret."""
    if not is_reference(value):
        raise mistake(
            "a secret stands in the estate file itself",
            "put it into a file only the service can read, and write `file:var/keys/NAME` here",
        )
    scheme, _, rest = value.partition(":")
    if not rest:
        raise mistake('"{value}" names nothing', "write what follows the colon", value=value)
    return Reference(f"file:{folder_of(info) / rest}" if scheme == "file" else value)


def carries_password(url: str) -> bool:
    """Tell whether a literal URL holds a password, in front of the host or as a parameter.

    Knows restic's forms `s3:https://...` and `sftp:user@host:/path` as well.
    """
    kind = find_kind(url)
    rest = url.partition(":")[2]
    bare = rest if kind and kind.is_remote and not rest.startswith("//") else url
    parameters = parse_qsl(bare.partition("?")[2].replace(";", "&"))
    return bool(_PASSWORD.search(bare)) or any(
        _SECRET_PARAMETERS.search(name) and text for name, text in parameters
    )


def make_address(value: str, info: ValidationInfo) -> str:
    """Read a URL or a reference to one."""
    if is_reference(value):
        return make_reference(value, info)
    if carries_password(value):
        raise mistake(
            "the address carries a password",
            "put the whole address into a file and write `file:var/keys/NAME` here",
        )
    return value


def make_place(value: str, info: ValidationInfo) -> str:
    """Read a store's place: a path, `sftp:...`, `s3:...` or a reference."""
    value = make_address(value, info)
    if is_reference(value) or is_remote(value):
        return value.rstrip("/")
    if re.match(r"[a-z0-9]+:", value):
        raise mistake(
            'a store cannot be at "{value}"',
            "write a path, `sftp:user@host:/path` or `s3:https://host/bucket/prefix`",
            value=value,
        )
    return str(folder_of(info) / value)


def make_catalog_url(value: str, info: ValidationInfo) -> str:
    """Read the catalog's URL; the path of an SQLite file becomes absolute."""
    value = make_address(value, info)
    prefix = "sqlite:///"
    if value.startswith(prefix):
        return f"{prefix}{folder_of(info) / value.removeprefix(prefix)}"
    if is_reference(value) or value.startswith("postgresql"):
        return value
    raise mistake(
        'the catalog cannot be kept at "{value}"',
        'write `url = "sqlite:///var/giucong.db"`, or a reference to `postgresql+psycopg://...`',
        value=value,
    )


def make_path(value: Path, info: ValidationInfo) -> Path:
    """Make a path on this machine absolute."""
    return folder_of(info) / value


Name = Annotated[str, AfterValidator(check_name)]
OwnName = Annotated[Name, Field(description="Short name for life: a-z, digits, hyphens.")]
Schedulable = Annotated[str, AfterValidator(check_schedule)]
DayPart = Annotated[str, AfterValidator(check_window)]
Zone = Annotated[str, AfterValidator(check_zone)]
Secret = Annotated[str, AfterValidator(make_reference)]
Address = Annotated[str, AfterValidator(make_address)]
Place = Annotated[str, AfterValidator(make_place)]
CatalogUrl = Annotated[str, AfterValidator(make_catalog_url)]
LocalPath = Annotated[Path, AfterValidator(make_path)]
Text = Annotated[str, Field(min_length=1)]
Whole = Annotated[int, Strict(), Field(ge=0)]
Positive = Annotated[int, Strict(), Field(ge=1)]
Limits = Positive | dict[Literal["default"] | DayPart, Positive]
Port = Annotated[int, Strict(), Field(ge=1, le=65535)]
Flag = Annotated[bool, Strict()]
Day = Annotated[date, Strict()]


def limits_of(limit: Limits | None) -> Mapping[str, int]:
    """Give megabits a second by part of the day; the rest of the day is `default`."""
    return {"default": limit} if isinstance(limit, int) else dict(limit or {})


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Give a model's fields by the keys that stand for them."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def model_of(field: FieldInfo) -> type[BaseModel] | None:
    """Give the model a field holds, alone, optional or in a list; None for a plain value."""
    return _model_in(field.annotation)


def is_list_of_tables(field: FieldInfo) -> bool:
    """Tell `[[name]]` from `[name]`."""
    return typing.get_origin(field.annotation) is tuple and model_of(field) is not None


def is_union(annotation: object) -> bool:
    """Tell whether a value may be of several kinds."""
    return typing.get_origin(annotation) in {typing.Union, types.UnionType}


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) is tuple or is_union(annotation):
        found = (_model_in(part) for part in typing.get_args(annotation))
        return next((part for part in found if part is not None), None)
    return None
