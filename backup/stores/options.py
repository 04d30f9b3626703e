"""What a store needs to know besides its URL. Holds secrets, and shows none of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal


@dataclass(frozen=True, slots=True)
class LockTerms:
    """How long the store promises not to delete what is written.

    Attributes:
        mode: governance, or compliance, which nobody at all can shorten.
        period: For so long from now nothing that a new snapshot needs can be deleted.
        basis: The decision that asks for compliance.
        cap: Compliance never lasts longer.
        confirmed: Whether somebody has said of compliance that it is meant.
    """

    mode: Literal["governance", "compliance"]
    period: timedelta
    basis: str = ""
    cap: timedelta | None = None
    confirmed: bool = False

    @property
    def margin(self) -> timedelta:
        """How much longer new promises last, lest each run has to renew them all."""
        longer = self.period / 10
        return longer if self.cap is None else min(longer, max(self.cap - self.period, timedelta()))


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Options of any store; each kind takes what it knows.

    Attributes:
        access_key: Of S3; empty for what the environment says.
        secret_key: As above.
        region: Of S3; empty for what the environment says.
        cacert: File with root certificates for stores behind TLS.
        client_cert: File with our own certificate and its key, for such stores.
        insecure_tls: Do not ask who such a store is.
        at: Read as of that moment, aware; None for now.
        object_lock: Promises to ask an S3 store for.
        extra: Options by name, e.g. `s3.region`, as `-o` gives them.
    """

    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    region: str = ""
    cacert: str = ""
    client_cert: str = ""
    insecure_tls: bool = False
    at: datetime | None = None
    object_lock: LockTerms | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
