"""Which credential signs: the one given, that of the environment, or what botocore finds."""

import os
import threading
from collections.abc import Callable
from typing import Any

from backup.errors import StoreDeniedError
from backup.stores.s3_client import S3Settings
from backup.stores.s3_signing import Credential


def find_credential(settings: S3Settings) -> Callable[[], Credential]:
    """Give what tells the credential whenever a request is signed; touches nothing yet.

    Where neither the settings nor the environment hold one, botocore looks into its configuration
    files and asks the machine; what it finds there it renews by itself.

    Args:
        settings: An access key in them counts alone.
    """
    variable = os.environ.get
    given = Credential(settings.access_key, settings.secret_key)
    if not settings.access_key and not settings.secret_key:
        given = Credential(
            variable("AWS_ACCESS_KEY_ID", ""),
            variable("AWS_SECRET_ACCESS_KEY", ""),
            variable("AWS_SESSION_TOKEN", ""),
        )
    if given.access_key and given.secret_key:
        return lambda: given
    if given.access_key or given.secret_key:
        return _refuse
    return _Searched().tell


class _Searched:
    """What botocore finds, looked for once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Any = None

    def tell(self) -> Credential:
        """Give it as it is now.

        Raises:
            StoreDeniedError: There is none.
        """
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session

        try:
            with self._lock:
                if self._found is None:
                    self._found = Session().get_credentials()
            if self._found is None:
                return _refuse()
            frozen = self._found.get_frozen_credentials()
        except BotoCoreError as error:
            raise _denied() from error
        return Credential(frozen.access_key, frozen.secret_key, frozen.token or "")


def _refuse() -> Credential:
    raise _denied()


def _denied() -> StoreDeniedError:
    return StoreDeniedError(
        "cannot sign what is asked of the S3 server",
        why="there is no access key for it",
        data="nothing was read or written",
        next_step="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    )
