"""Say something in the language of whoever will read it later, not of whoever runs this now.

A manifest or a notice is written at night by a process and read by people of the organisation.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ops.text import Language

_VARIABLE = "GIUCONG_LANG"


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Let all texts made meanwhile be in `language`. For one thread at a time."""
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = language
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before
