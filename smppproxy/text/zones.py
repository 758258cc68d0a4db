"""Time zones by name. UTC is known everywhere; all others stand in the machine's zone database."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo


def zone_of(name: str) -> tzinfo:
    """The zone of this name: "UTC" or one of the zone database.

    :raises ValueError: when there is none, or no database.
    """
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    # A folder's name is an OSError, a name that is none at all a ValueError or a KeyError.
    except (KeyError, OSError, ValueError):
        raise ValueError(f"no such time zone: {name}") from None
