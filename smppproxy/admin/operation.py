"""One path and method of the operator's door. Pure data."""

from __future__ import annotations

from typing import Any

import attrs

from smppproxy.admin.schemas import Field
from smppproxy.words import ROLES

READ, OPERATE, ADMIN = ROLES


@attrs.frozen
class Operation:
    """One path and method of the door.

    :ivar handler: the operator's method that answers it.
    :ivar role: the least that may ask.
    :ivar parameters: of the query for a GET, of the JSON body for a POST.
    :ivar answer: JSON schema of what it answers.
    :ivar view: of which view, "" for none.
    :ivar stream: it answers line by line, for as long as it is listened to.
    :ivar patience: seconds that it may take.
    """

    method: str
    path: str
    handler: str
    role: str
    help: str
    parameters: tuple[Field, ...] = ()
    answer: dict[str, Any] = attrs.field(factory=dict)
    view: str = ""
    stream: bool = False
    patience: float = 15.0

    @property
    def identity(self) -> str:
        """Its name in the OpenAPI document."""
        return self.path.strip("/").replace("/", "_")
