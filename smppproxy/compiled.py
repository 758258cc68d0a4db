"""Functions that have a twin in C, where the compiled part is there.

What is done to the octets of every message is written twice: in its room as a function in Python
that knows all the rules, and in ``_octets.c`` for what nearly all messages need. The second hands
everything else to the first. Without a compiler at the installation, or with ``SMPPPROXY_PURE=1``
in the environment, Python does all of it, and nothing else changes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, TypeVar

octets: Any = None
"""The compiled part, None where it is not there or not wanted."""
if not os.environ.get("SMPPPROXY_PURE"):
    with suppress(ImportError):
        octets = import_module("smppproxy._octets")

Function = TypeVar("Function", bound=Callable[..., Any])

TWINS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {}
"""By name: a function in Python, and the one in C that is called instead."""


def compiled(*classes: type, more: tuple[Any, ...] = ()) -> Callable[[Function], Function]:
    """Have the function of the same name in C called instead, if it is there.

    :param classes: those whose objects it reads or makes: plain ones with slots.
    :param more: what else it calls.
    """

    def instead(twin: Function) -> Function:
        found = None if octets is None else octets.stand_in(twin, classes, more)
        if found is None:
            return twin
        TWINS[twin.__name__] = twin, found
        return found  # type: ignore[no-any-return]

    return instead
