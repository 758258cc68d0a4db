"""
What can be wrong with the octets of a peer.

The class says what is lost, `command_status` is the answer the peer gets. Neither is raised while
PDUs are good: an exception here is never part of the hot path.
"""

from smppproxy.smpp.refusals import STATUSES, RefusalStatus


class SmppError(Exception):
    """A peer sent octets that are not SMPP as we read it; `command_status` is what it is told."""

    #: Its ``name`` is the refusal's, in `smppproxy.smpp.refusals`.
    command_status: RefusalStatus

    def __init__(self, refusal: str, reason: str) -> None:
        """
        :param refusal: its name in the table of refusals; KeyError for another one.
        """
        super().__init__(reason)
        self.command_status = STATUSES[refusal]


class FramingError(SmppError):
    """
    The stream is lost: command_length is below 16 or above the limit (F03, F04, F16).

    The peer gets one generic_nack with `command_status` 0x02 and `sequence_number` (the one of the
    header when all 16 octets of it were there, else 0), then the connection is closed. Nothing that
    follows on it can be trusted.
    """

    def __init__(self, sequence_number: int, reason: str) -> None:
        super().__init__("command_length", reason)
        self.sequence_number = sequence_number


class BodyError(SmppError):
    """
    The frame was sound and the body is not (F10 to F14): the session stays.

    The PDU gets its own response with `command_status`, the code of the first wrong field.
    """
