"""Where an S3 store is and how it is reached: the settings, and boto3's client made from them.

The client's own retries are off, since `backup.stores.retry` knows what a repeated write means.
"""

import os
import re
import ssl
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import urlsplit

from backup.errors import UsageError
from backup.stores.options import LockTerms, StoreOptions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_DEFAULT_REGION = "us-east-1"
_OPTIONS = frozenset(
    {"s3.region", "s3.bucket-lookup", "s3.connections", "s3.timeout", "s3.object-lock"}
)
_NO_FILES = {  # by name: key in a file, variable, default, conversion
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
_SCHEME = re.compile(r"[a-z]+://")


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Everything that opens an S3 store; marshallable through `pack`.

    Attributes:
        kind: Of its recipe.
        endpoint: URL of the server.
        bucket: Name of the bucket.
        prefix: Folder in it, without slashes at the ends; may be empty.
        access_key: Empty for what the environment or its configuration files say.
        secret_key: As above.
        region: Name of the region.
        cacert: File with root certificates; empty for the system's.
        client_cert: File with our own certificate and its key; empty for none.
        insecure_tls: Do not ask who the server is.
        lookup: Whether the bucket stands in the path (as nearly every server of one's own wants
            it), in the host's name (dns), or botocore decides (auto).
        connections: How many at once.
        timeout: Seconds without a byte after which a connection counts as hung.
        at: Seconds since the epoch to read as of; None for now.
        lock_mode: governance, compliance, or empty for no promises.
        lock_seconds: How long each new object is promised to stay.
        renew_below: Promises shorter than so many seconds are renewed before a new snapshot.
        write_once: Whether the server is known to refuse a second write of a key; None if unknown.
    """

    kind: ClassVar = "s3"

    endpoint: str
    bucket: str
    prefix: str = ""
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    region: str = _DEFAULT_REGION
    cacert: str = ""
    client_cert: str = ""
    insecure_tls: bool = False
    lookup: Literal["path", "dns", "auto"] = "path"
    connections: int = 16
    timeout: float = 60.0
    at: float | None = None
    lock_mode: Literal["", "governance", "compliance"] = ""
    lock_seconds: float = 0.0
    renew_below: float = 0.0
    write_once: bool | None = None

    @property
    def location(self) -> str:
        """The place, for people; holds no secret."""
        place = f"s3:{self.endpoint}/{self.bucket}"
        return f"{place}/{self.prefix}" if self.prefix else place

    def pack(self) -> dict[str, Any]:
        """Give it as plain values, for another process; holds the secrets."""
        return asdict(self)

    def tls(self) -> ssl.SSLContext:
        """Give whom to trust, and who we are, where the server speaks TLS.

        Raises:
            UsageError: Our certificate cannot be used.
        """
        cacert = self.cacert or os.environ.get("AWS_CA_BUNDLE", "")
        context = ssl.create_default_context(cafile=cacert or None)
        if self.insecure_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.client_cert:
            try:
                context.load_cert_chain(self.client_cert)
            except OSError as error:  # ssl.SSLError is one
                raise UsageError(
                    "cannot use the TLS certificate in {file}",
                    why="{reason}",
                    data="nothing was read or written",
                    next_step="give a PEM file that holds both the certificate and its key",
                    file=self.client_cert,
                    reason=error.strerror or "it holds no certificate with its key",
                ) from error
        return context

    def knowing(self, *, write_once: bool | None) -> "S3Settings":
        """Give the same with what was learned of the server."""
        return replace(self, write_once=write_once)


def parse_settings(rest: str, options: StoreOptions) -> S3Settings:
    """Read what follows `s3:` in a URL; touches nothing.

    Args:
        rest: `https://host/bucket/prefix`, `http://...`, `host/bucket/prefix` or `//host/...`.
        options: Credentials, region and the like; the environment fills what is empty.

    Raises:
        UsageError: It names no bucket, carries a password, or an option makes no sense.
    """
    if not _SCHEME.match(rest):
        rest = f"https://{rest.removeprefix('//')}"
    parts = urlsplit(rest)
    bucket, _, prefix = parts.path.strip("/").partition("/")
    if parts.scheme not in {"http", "https"} or not parts.hostname or not bucket:
        raise UsageError(
            "the address of the S3 store names no host or no bucket",
            data="nothing was read or written",
            next_step="write s3:https://HOST/BUCKET/FOLDER",
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            "the address of the S3 store holds more than host, bucket and folder",
            why="keys in an address end up in logs and process lists",
            data="nothing was read or written",
            next_step="pass them in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    extra = _known_options(options)
    terms = options.object_lock or _parse_terms(extra.get("s3.object-lock", ""))
    if terms is not None:
        _refuse_unfounded(terms)
    variable = os.environ.get
    return S3Settings(
        endpoint=f"{parts.scheme}://{parts.netloc}",
        bucket=bucket,
        prefix=prefix.strip("/"),
        access_key=options.access_key,
        secret_key=options.secret_key,
        region=options.region
        or extra.get("s3.region")
        or variable("AWS_DEFAULT_REGION")
        or variable("AWS_REGION")
        or _DEFAULT_REGION,
        cacert=options.cacert,
        client_cert=options.client_cert,
        insecure_tls=options.insecure_tls,
        lookup=_choose_lookup(extra.get("s3.bucket-lookup", ""), parts.hostname),
        connections=int(_number(extra, "s3.connections", 16)),
        timeout=_number(extra, "s3.timeout", 60),
        at=None if options.at is None else options.at.timestamp(),
        lock_mode="" if terms is None else terms.mode,
        lock_seconds=0 if terms is None else (terms.period + terms.margin).total_seconds(),
        renew_below=0 if terms is None else terms.period.total_seconds(),
    )


def make_client(settings: S3Settings) -> "S3Client":
    """Make a client that several threads may use at once; touches nothing yet.

    Where the settings hold an access key, no file of configuration counts, nor a profile.
    """
    from boto3.session import Session
    from botocore.config import Config
    from botocore.session import Session as Core

    config = Config(
        s3={"addressing_style": "virtual" if settings.lookup == "dns" else settings.lookup},
        signature_version="s3v4",
        connect_timeout=min(settings.timeout, 20),
        read_timeout=settings.timeout,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=settings.connections,
        tcp_keepalive=True,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        user_agent_extra="giucong",
        client_cert=settings.client_cert or None,
    )
    core = Core(_NO_FILES if settings.access_key else None)
    return Session(botocore_session=core).client(
        "s3",
        endpoint_url=settings.endpoint,
        region_name=settings.region,
        verify=False if settings.insecure_tls else settings.cacert or None,
        aws_access_key_id=settings.access_key or None,
        aws_secret_access_key=settings.secret_key or None,
        config=config,
    )


def moment(seconds: float) -> datetime:
    """Give an aware time from seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)


def _known_options(options: StoreOptions) -> dict[str, str]:
    extra = {key: value for key, value in options.extra.items() if key.startswith("s3.")}
    unknown = sorted(set(extra) - _OPTIONS)
    if unknown:
        raise UsageError(
            "{option} is no option of an S3 store",
            data="nothing was read or written",
            next_step="use one of: {known}",
            option=unknown[0],
            known=", ".join(sorted(_OPTIONS)),
        )
    return extra


def _choose_lookup(asked: str, host: str) -> Literal["path", "dns", "auto"]:
    if asked == "dns":
        return "dns"
    if asked == "auto" or (not asked and host.endswith(".amazonaws.com")):
        return "auto"
    if asked in {"", "path"}:
        return "path"
    raise UsageError(
        "{value} is no way to look up a bucket", next_step="use auto, dns or path", value=asked
    )


def _number(extra: dict[str, str], name: str, default: int) -> float:
    text = extra.get(name, str(default))
    if not text.isdecimal() or not int(text):
        raise UsageError(
            "{option} needs a whole number above zero, not {value}", option=name, value=text
        )
    return int(text)


def _parse_terms(text: str) -> LockTerms | None:
    """Read `governance:DAYS`; compliance needs more than a command line can hold."""
    if not text:
        return None
    mode, _, days = text.partition(":")
    if mode != "governance" or not days.isdecimal() or not int(days):
        raise UsageError(
            "{value} is no way to lock objects", next_step="write governance:DAYS", value=text
        )
    return LockTerms("governance", timedelta(days=int(days)))


def _refuse_unfounded(terms: LockTerms) -> None:
    if terms.mode == "governance":
        return
    if not terms.basis or terms.cap is None or not terms.confirmed or terms.cap < terms.period:
        raise UsageError(
            "compliance cannot be undone by anybody, so it needs a basis, a cap and a confirmation",
            data="nothing was read or written",
            next_step="use the mode governance, or give all three",
        )
