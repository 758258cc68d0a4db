"""How a provider's host is doing, for an operator."""

from __future__ import annotations

import attrs


@attrs.define
class Health:
    """At one moment.

    :ivar why: why it takes no ordinary submit at this moment; "" when it does.
    :ivar admin: what is wanted of it, see ``routing.states``.
    :ivar ejected: seconds for which it is still left alone since it fails; 0.0: it is not.
    :ivar paused: seconds for which it still rests since it wants fewer messages.
    :ivar trial: it came back and has not taken a message yet.
    :ivar failures: in a row.
    :ivar ejections: lately.
    """

    why: str
    admin: str
    ejected: float
    paused: float
    trial: bool
    failures: int
    ejections: int
