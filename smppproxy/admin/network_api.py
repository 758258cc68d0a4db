"""What the operator's door can be asked about versions of the network. Pure data."""

from __future__ import annotations

from smppproxy.admin.operation import ADMIN, READ, Operation
from smppproxy.admin.schemas import flag, listing, number, record, text, whole
from smppproxy.config.bundle import MOST_PACKED
from smppproxy.relay.recent import MOST_MESSAGES
from smppproxy.store.cluster import VERSIONS_KEPT

MOST_TEXT = 4 * (MOST_PACKED // 3 + 1)
"""Characters of a packed network in base64."""

BUNDLE = text(
    "bundle",
    "a network file with its tables, packed, in base64",
    required=True,
    least=1,
    most=MOST_TEXT,
    format="byte",
)
BY = text("by", "who makes it, for the history; default: who asks", default="", most=100)
WHY = text("why", "for the history", default="", most=1000)
MOST_VERSIONS = 2**31 - 1

NUMBER = whole("number", "of the version", required=True, least=1, most=MOST_VERSIONS)
EXPECTED = whole(
    "expected",
    "only if this version is the current one; default: whichever is",
    least=0,
    most=MOST_VERSIONS,
)

FORCE = flag("force", "even if nodes cannot take it; they keep what they have", default=False)

_VERSION = (
    whole("number"),
    text("at", "when it was made"),
    text("by", "who made it"),
    text("why"),
    whole("origin", "the version that it returns to, 0 = it is a new one"),
    text("sha256", "of what it says"),
    whole("size", "octets, packed"),
)

_STANDING = (
    text("node"),
    whole("version", "in force, 0 = none"),
    whole("refused", "the newest version, if the node could not take it; else 0"),
    text("reason", "why it could not"),
    text("network_file", "that it makes the network at its next start and on SIGHUP, if any"),
    number("seconds", "since the node said so"),
)

_CHANGE = (
    text("kind", "account, provider, route, mo_route, mo or file"),
    text("name"),
    text("change", "added, removed, changed or moved"),
    text("option"),
    text("was"),
    text("now"),
    text("closes", "sessions that end"),
)

_WAY = (text("was", "the first provider"), text("now"), whole("messages"))

HISTORY = record((whole("current", "number of the current version, 0 = there is none"),))
HISTORY["properties"]["versions"] = listing(record(_VERSION))
HISTORY["required"].append("versions")

NODES = record((whole("current"),))
NODES["properties"]["nodes"] = listing(record(_STANDING))
NODES["required"].append("nodes")

PLAN = record(
    (
        whole("current", "number of the version that it was compared with"),
        flag("same", "it says what the current version says"),
        whole("messages", "how many of the last messages were looked at"),
        whole("elsewhere", "how many of them would go elsewhere"),
        text("note", "what one should know about this answer"),
    )
)
for _name, _fields in (("changes", _CHANGE), ("ways", _WAY)):
    PLAN["properties"][_name] = listing(record(_fields))
    PLAN["required"].append(_name)

MADE = record(
    (
        whole("number", "of the current version"),
        whole("was", "of the one before"),
        flag("made", "false: the current version says the same already"),
    )
)

FILE = record((NUMBER, text("name"), text("bundle", "packed, in base64")))

NETWORK = (
    Operation(
        "GET",
        "/network/history",
        "network_history",
        READ,
        "the versions of the network: who made them, when and why",
        (whole("limit", "versions at most", default=20, least=1, most=VERSIONS_KEPT),),
        HISTORY,
    ),
    Operation(
        "GET",
        "/network/nodes",
        "network_nodes",
        READ,
        "which version each node has in force, and why not the newest",
        (),
        NODES,
    ),
    Operation(
        "GET",
        "/network/version",
        "network_version",
        ADMIN,
        "what a version says, with the hashes of passwords",
        (NUMBER,),
        FILE,
    ),
    Operation(
        "POST",
        "/network/plan",
        "network_plan",
        ADMIN,
        "what would be different with this network: nothing is changed",
        (
            text("bundle", BUNDLE.help, default="", most=MOST_TEXT, format="byte"),
            whole(
                "number",
                "without a bundle: of this version; 0 = of the current one",
                default=0,
                least=0,
                most=MOST_VERSIONS,
            ),
            whole(
                "messages",
                "of the last messages of each node that are looked at",
                default=1000,
                least=0,
                most=MOST_MESSAGES,
            ),
        ),
        PLAN,
    ),
    Operation(
        "POST",
        "/network/apply",
        "network_apply",
        ADMIN,
        "make this network the current version, for all nodes",
        (BUNDLE, BY, WHY, EXPECTED, FORCE),
        MADE,
    ),
    Operation(
        "POST",
        "/network/rollback",
        "network_rollback",
        ADMIN,
        "make what an earlier version says the current version again",
        (NUMBER, BY, WHY, EXPECTED, FORCE),
        MADE,
    ),
)
