"""Regular expressions that texts are looked through with: in linear time, whatever the text is.

Python's own ``re`` may take minutes on a short text that was made for a pattern like ``(a+)+$``,
and texts come from strangers. RE2 never does; it has neither look-around nor back references.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol

import re2

_OPTIONS = re2.Options()
# It would write to stderr what is raised anyway.
_OPTIONS.log_errors = False


class PatternError(ValueError):
    """This is no regular expression of RE2; says why."""


class Pattern(Protocol):
    """A compiled pattern."""

    def search(self, text: str) -> Any:
        """What it finds in a text; None when it finds nothing."""


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Pattern:
    """A pattern, ready for use.

    :raises PatternError: it cannot be read.
    """
    try:
        found: Pattern = re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        (reason,) = error.args
        raise PatternError(reason.decode() if isinstance(reason, bytes) else str(reason)) from None
    return found
