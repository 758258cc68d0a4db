"""
The numbers of SMPP 3.4 (and the few of 5.0 that peers send), spelled as the standard spells them.

Plain ints: a comparison with an Enum member costs more than the rest of a PDU's dispatch.
"""

from typing import Final

# -- lengths ------------------------------------------------------------------------------------

#: Octets of the header (SMPP 3.4, 3.2).
HEADER_LENGTH: Final = 16
#: The longest PDU a peer may send before it is bound (F04): a bind with two 255-octet secrets fits.
MAX_PDU_BEFORE_BIND: Final = 1024
#: The longest PDU of a bound peer (F04): a message_payload of 65,535 octets and its TLVs fit.
MAX_PDU: Final = 70_000
#: Octets asked of a socket at a time: more than a hundred PDUs. The memory for them is asked for
#: before anybody knows how few will come; what lies among it for longer leaves holes as large.
READ_SIZE: Final = 16_384

# -- command_id (5.1.2.1) -----------------------------------------------------------------------

#: The bit that makes a command_id a response.
RESPONSE: Final = 0x80000000

GENERIC_NACK: Final = 0x80000000
BIND_RECEIVER: Final = 0x00000001
BIND_TRANSMITTER: Final = 0x00000002
QUERY_SM: Final = 0x00000003
SUBMIT_SM: Final = 0x00000004
DELIVER_SM: Final = 0x00000005
UNBIND: Final = 0x00000006
REPLACE_SM: Final = 0x00000007
CANCEL_SM: Final = 0x00000008
BIND_TRANSCEIVER: Final = 0x00000009
OUTBIND: Final = 0x0000000B
ENQUIRE_LINK: Final = 0x00000015
SUBMIT_MULTI: Final = 0x00000021
ALERT_NOTIFICATION: Final = 0x00000102
DATA_SM: Final = 0x00000103
BROADCAST_SM: Final = 0x00000111
QUERY_BROADCAST_SM: Final = 0x00000112
CANCEL_BROADCAST_SM: Final = 0x00000113

BIND_RECEIVER_RESP: Final = 0x80000001
BIND_TRANSMITTER_RESP: Final = 0x80000002
QUERY_SM_RESP: Final = 0x80000003
SUBMIT_SM_RESP: Final = 0x80000004
DELIVER_SM_RESP: Final = 0x80000005
UNBIND_RESP: Final = 0x80000006
REPLACE_SM_RESP: Final = 0x80000007
CANCEL_SM_RESP: Final = 0x80000008
BIND_TRANSCEIVER_RESP: Final = 0x80000009
ENQUIRE_LINK_RESP: Final = 0x80000015
SUBMIT_MULTI_RESP: Final = 0x80000021
DATA_SM_RESP: Final = 0x80000103
BROADCAST_SM_RESP: Final = 0x80000111
QUERY_BROADCAST_SM_RESP: Final = 0x80000112
CANCEL_BROADCAST_SM_RESP: Final = 0x80000113

_REQUEST_NAMES: Final[dict[int, str]] = {
    BIND_RECEIVER: "bind_receiver",
    BIND_TRANSMITTER: "bind_transmitter",
    QUERY_SM: "query_sm",
    SUBMIT_SM: "submit_sm",
    DELIVER_SM: "deliver_sm",
    UNBIND: "unbind",
    REPLACE_SM: "replace_sm",
    CANCEL_SM: "cancel_sm",
    BIND_TRANSCEIVER: "bind_transceiver",
    OUTBIND: "outbind",
    ENQUIRE_LINK: "enquire_link",
    SUBMIT_MULTI: "submit_multi",
    ALERT_NOTIFICATION: "alert_notification",
    DATA_SM: "data_sm",
    BROADCAST_SM: "broadcast_sm",
    QUERY_BROADCAST_SM: "query_broadcast_sm",
    CANCEL_BROADCAST_SM: "cancel_broadcast_sm",
}

#: Requests that have no response (4.1.7, 4.12.1): they are never answered, not even when refused.
UNANSWERED: Final[frozenset[int]] = frozenset({OUTBIND, ALERT_NOTIFICATION})
#: The three ways to bind.
BINDS: Final[frozenset[int]] = frozenset({BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER})
#: Their answers.
BIND_RESPS: Final[frozenset[int]] = frozenset(
    {BIND_RECEIVER_RESP, BIND_TRANSMITTER_RESP, BIND_TRANSCEIVER_RESP}
)

#: Every command_id the standard names, with its name.
COMMAND_NAMES: Final[dict[int, str]] = {
    **_REQUEST_NAMES,
    **{
        command_id | RESPONSE: name + "_resp"
        for command_id, name in _REQUEST_NAMES.items()
        if command_id not in UNANSWERED
    },
    GENERIC_NACK: "generic_nack",
}


def command_name(command_id: int) -> str:
    """The standard's name of a command_id, or its hex digits when it has none."""
    return COMMAND_NAMES.get(command_id) or f"0x{command_id:08x}"


# -- command_status (5.1.3) --------------------------------------------------------------------

ESME_ROK: Final = 0x00000000
ESME_RINVMSGLEN: Final = 0x00000001
ESME_RINVCMDLEN: Final = 0x00000002
ESME_RINVCMDID: Final = 0x00000003
ESME_RINVBNDSTS: Final = 0x00000004
ESME_RALYBND: Final = 0x00000005
ESME_RINVPRTFLG: Final = 0x00000006
ESME_RINVREGDLVFLG: Final = 0x00000007
ESME_RSYSERR: Final = 0x00000008
ESME_RINVSRCADR: Final = 0x0000000A
ESME_RINVDSTADR: Final = 0x0000000B
ESME_RINVMSGID: Final = 0x0000000C
ESME_RBINDFAIL: Final = 0x0000000D
ESME_RINVPASWD: Final = 0x0000000E
ESME_RINVSYSID: Final = 0x0000000F
ESME_RCANCELFAIL: Final = 0x00000011
ESME_RREPLACEFAIL: Final = 0x00000013
ESME_RMSGQFUL: Final = 0x00000014
ESME_RINVSERTYP: Final = 0x00000015
ESME_RINVNUMDESTS: Final = 0x00000033
ESME_RINVDLNAME: Final = 0x00000034
ESME_RINVDESTFLAG: Final = 0x00000040
ESME_RINVSUBREP: Final = 0x00000042
ESME_RINVESMCLASS: Final = 0x00000043
ESME_RCNTSUBDL: Final = 0x00000044
ESME_RSUBMITFAIL: Final = 0x00000045
ESME_RINVSRCTON: Final = 0x00000048
ESME_RINVSRCNPI: Final = 0x00000049
ESME_RINVDSTTON: Final = 0x00000050
ESME_RINVDSTNPI: Final = 0x00000051
ESME_RINVSYSTYP: Final = 0x00000053
ESME_RINVREPFLAG: Final = 0x00000054
ESME_RINVNUMMSGS: Final = 0x00000055
ESME_RTHROTTLED: Final = 0x00000058
ESME_RINVSCHED: Final = 0x00000061
ESME_RINVEXPIRY: Final = 0x00000062
ESME_RINVDFTMSGID: Final = 0x00000063
ESME_RX_T_APPN: Final = 0x00000064
ESME_RX_P_APPN: Final = 0x00000065
ESME_RX_R_APPN: Final = 0x00000066
ESME_RQUERYFAIL: Final = 0x00000067
ESME_RINVOPTPARSTREAM: Final = 0x000000C0
ESME_ROPTPARNOTALLWD: Final = 0x000000C1
ESME_RINVPARLEN: Final = 0x000000C2
ESME_RMISSINGOPTPARAM: Final = 0x000000C3
ESME_RINVOPTPARAMVAL: Final = 0x000000C4
ESME_RDELIVERYFAILURE: Final = 0x000000FE
ESME_RUNKNOWNERR: Final = 0x000000FF
#: SMPP 5.0's "invalid data_coding": given only to clients that bound with 0x50.
ESME_RINVDCS: Final = 0x00000104

#: Every command_status above, with its name.
STATUS_NAMES: Final[dict[int, str]] = {
    number: name for name, number in list(globals().items()) if name.startswith("ESME_")
}


def status_name(command_status: int) -> str:
    """The standard's name of a command_status, or its hex digits when it has none."""
    return STATUS_NAMES.get(command_status) or f"0x{command_status:08x}"


# -- TLV tags (5.3.2) --------------------------------------------------------------------------

TLV_DEST_ADDR_SUBUNIT: Final = 0x0005
TLV_DEST_NETWORK_TYPE: Final = 0x0006
TLV_DEST_BEARER_TYPE: Final = 0x0007
TLV_DEST_TELEMATICS_ID: Final = 0x0008
TLV_SOURCE_ADDR_SUBUNIT: Final = 0x000D
TLV_SOURCE_NETWORK_TYPE: Final = 0x000E
TLV_SOURCE_BEARER_TYPE: Final = 0x000F
TLV_SOURCE_TELEMATICS_ID: Final = 0x0010
TLV_QOS_TIME_TO_LIVE: Final = 0x0017
TLV_PAYLOAD_TYPE: Final = 0x0019
TLV_ADDITIONAL_STATUS_INFO_TEXT: Final = 0x001D
TLV_RECEIPTED_MESSAGE_ID: Final = 0x001E
TLV_MS_MSG_WAIT_FACILITIES: Final = 0x0030
TLV_PRIVACY_INDICATOR: Final = 0x0201
TLV_SOURCE_SUBADDRESS: Final = 0x0202
TLV_DEST_SUBADDRESS: Final = 0x0203
TLV_USER_MESSAGE_REFERENCE: Final = 0x0204
TLV_USER_RESPONSE_CODE: Final = 0x0205
TLV_SOURCE_PORT: Final = 0x020A
TLV_DESTINATION_PORT: Final = 0x020B
TLV_SAR_MSG_REF_NUM: Final = 0x020C
TLV_LANGUAGE_INDICATOR: Final = 0x020D
TLV_SAR_TOTAL_SEGMENTS: Final = 0x020E
TLV_SAR_SEGMENT_SEQNUM: Final = 0x020F
TLV_SC_INTERFACE_VERSION: Final = 0x0210
TLV_CALLBACK_NUM: Final = 0x0381
TLV_DPF_RESULT: Final = 0x0420
TLV_SET_DPF: Final = 0x0421
TLV_MS_AVAILABILITY_STATUS: Final = 0x0422
TLV_NETWORK_ERROR_CODE: Final = 0x0423
TLV_MESSAGE_PAYLOAD: Final = 0x0424
TLV_DELIVERY_FAILURE_REASON: Final = 0x0425
TLV_MORE_MESSAGES_TO_SEND: Final = 0x0426
TLV_MESSAGE_STATE: Final = 0x0427
TLV_USSD_SERVICE_OP: Final = 0x0501
TLV_DISPLAY_TIME: Final = 0x1201
TLV_SMS_SIGNAL: Final = 0x1203
TLV_MS_VALIDITY: Final = 0x1204
TLV_ALERT_ON_MESSAGE_DELIVERY: Final = 0x130C
TLV_ITS_REPLY_TYPE: Final = 0x1380
TLV_ITS_SESSION_INFO: Final = 0x1383

# -- message_state (5.2.28) ---------------------------------------------------------------------

STATE_ENROUTE: Final = 1
STATE_DELIVERED: Final = 2
STATE_EXPIRED: Final = 3
STATE_DELETED: Final = 4
STATE_UNDELIVERABLE: Final = 5
STATE_ACCEPTED: Final = 6
STATE_UNKNOWN: Final = 7
STATE_REJECTED: Final = 8

# -- esm_class (5.2.12) -------------------------------------------------------------------------

#: short_message begins with a user data header.
ESM_UDHI: Final = 0x40
#: A reply path is asked for.
ESM_REPLY_PATH: Final = 0x80
#: deliver_sm: it carries a delivery receipt of the SMSC.
ESM_RECEIPT: Final = 0x04
#: deliver_sm: it carries a delivery acknowledgement of the handset.
ESM_DELIVERY_ACK: Final = 0x08
#: deliver_sm: it carries an intermediate notification.
ESM_INTERMEDIATE: Final = 0x20

# -- registered_delivery (5.2.17) ---------------------------------------------------------------

#: The two bits that ask for receipts: 0 none, 1 any outcome, 2 failure only, 3 success only.
REGISTERED_RECEIPT: Final = 0x03
#: Intermediate notifications are asked for.
REGISTERED_INTERMEDIATE: Final = 0x10

# -- interface_version (5.2.4) ------------------------------------------------------------------

VERSION_3_3: Final = 0x33
VERSION_3_4: Final = 0x34
VERSION_5_0: Final = 0x50
