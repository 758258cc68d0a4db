"""Every metric of a node: its kind, its labels and what it says. Nowhere else is any of this said.

Names begin with ``smppproxy_``. Labels hold what the configuration names (account, provider, host,
bind, route, node) or a word of ours or of the standard, so their number is bounded, and nothing of
a message is in them. A metric without an account, provider or route is of the node; ``node_info``
tells which name belongs to the ``instance`` that Prometheus knows. What is said of all nodes (the
store's queues, the limits) is told by each of them alike: take the ``max`` over ``instance``.
"""

from __future__ import annotations

import attrs

PREFIX = "smppproxy_"

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"

Labels = tuple[str, ...]

NODE: Labels = ()
ACCOUNT = ("account",)
QUEUE = ("account", "queue")
PROVIDER = ("provider",)
HOST = ("provider", "host")
BIND = ("provider", "host", "bind")


@attrs.frozen
class Described:
    """What a metric is.

    :ivar kind: counter, gauge or histogram.
    :ivar labels: the names of its labels, in the order in which their values are given.
    """

    kind: str
    text: str
    labels: Labels


def _described(kind: str, labels: Labels, **texts: str) -> dict[str, Described]:
    return {name: Described(kind, text, labels) for name, text in texts.items()}


METRICS: dict[str, Described] = {
    # -- the ledger of the node -----------------------------------------------------------------
    **_described(
        COUNTER,
        NODE,
        submitted="submit_sm taken from clients",
        accepted="submit_sm answered ESME_ROK: a provider has the message and its map is durable",
        refused="submit_sm answered with an error",
        in_doubt="submit_sm whose fate is unknown and was reported so",
        resent="submit_sm sent once more after their host went away",
        lost_responses="submit_sm whose host went away before it answered",
        no_provider_id="acceptances without a message_id: their receipts cannot be found",
        late_responses="answers that came after their submit_sm was given up",
        receipts_in="delivery receipts read from providers",
        matched="receipts that found their message",
        merged="receipts for one part of a message, told with those of the others",
        made="receipts of our own, for messages that never had one",
        parked_before="parked receipts that an earlier process or another node had taken in",
        parked_in="receipts that came before the answer to their submit_sm",
        parked_out="parked receipts that found their message",
        orphaned="parked receipts that never found their message",
        duplicated="receipts that said what had been said, or came after the final one",
        quarantined="receipts that do not fit the message their id names",
        replayed="orphans and receipts in quarantine that a replay brought to their messages",
        unreadable="receipts without any message id",
        unwanted="receipts that the client had not asked for",
        delivered="receipts acknowledged by clients",
        redelivered="deliver_sm sent more than once",
        refused_by_client="receipts that a client refused for good",
        expired="receipts that grew too old in their queue",
        dropped="receipts that a full queue pushed out",
        mo_in="MO messages read from providers",
        mo_unrouted="MO messages for numbers that no account owns",
        mo_delivered="MO messages acknowledged by clients",
        adrift="receipts that the store may have moved in calls whose answer was lost",
        message_log_lost="lines of the message log that were not written",
        trace_spans_exported="OpenTelemetry spans that the collector took",
        trace_spans_dropped="OpenTelemetry spans that the collector did not take in time",
    ),
    **_described(COUNTER, ("event",), events="named events: what is odd, and what went wrong"),
    **_described(
        GAUGE,
        NODE,
        in_flight="submit_sm without an outcome",
        withheld="receipts that wait for the store",
        parked="receipts parked by this node less those that left; the sum over nodes counts",
        queued="receipts queued by this node less those that left; the sum over nodes counts",
        queued_before="receipts that were queued when this process began",
    ),
    **_described(
        GAUGE,
        ("equation",),
        imbalance="how far an equation of the ledger is from adding up that holds for each node"
        " alone; 0 is the promise",
    ),
    # -- the node -------------------------------------------------------------------------------
    **_described(GAUGE, ("node", "version"), node_info="1; the node's name and its program"),
    **_described(
        GAUGE,
        NODE,
        ready="1 while new binds are welcome, as /readyz says",
        draining="1 while nobody is let in, on somebody's wish or as the node stops",
        reactor_timers="calls that the reactor is to make later",
        memory_blocks="pieces of memory that small objects hold; grows for ever only in a leak",
        network_version="number of the version of the network in force, 0 = none of the store's",
        network_newest_version="number of the newest version of the network that is known",
        network_refused_version="number of the newest version that cannot be taken, 0 = none",
        store_ready="1 when the store answers",
        store_full="1 while the store is out of memory",
        store_memory_used="the part of its maxmemory that the store uses; 0 where it has none",
        journal_blocked="1 while the journal cannot be written, so that no message is taken",
        journal_octets="what waits in the journal for the store",
        journal_unread_files="files in the journal's folder with what this release cannot read",
        store_calls_outstanding="calls to the store that are out, or wait for it to be back",
        bus_connected="1 while this node hears the others",
    ),
    **_described(
        GAUGE,
        ("wanted", "level"),
        store_durability="1 for what the store must keep an acknowledged change through, and what"
        " it does keep it through, as far as it tells",
    ),
    **_described(
        COUNTER,
        ("what",),
        journal="maps kept, lost, replayed, ended (by the clock, before the store was back),"
        " records unread, octets torn, times blocked",
    ),
    **_described(
        HISTOGRAM,
        NODE,
        store_call_seconds="from a call to the store to its answer",
        reactor_lag_seconds="how late a beat of the reactor was",
    ),
    **_described(
        COUNTER,
        NODE,
        reactor_stalls="turns of the reactor of more than 0.1 s",
        bus_heard="what other nodes said, and was heard here",
        bus_unreadable="what other processes said and this release does not understand",
    ),
    # -- accounts -------------------------------------------------------------------------------
    **_described(
        COUNTER,
        ACCOUNT,
        account_submitted="submit_sm taken",
        account_accepted="submit_sm answered ESME_ROK",
        account_in_doubt="submit_sm whose fate is unknown",
        account_abandoned="submit_sm never sent, since the client went",
        account_receipts_queued="receipts put into the account's queue",
        account_receipts_refused="receipts that the client refused for good",
        account_mo_delivered="MO messages acknowledged by the client",
    ),
    **_described(
        COUNTER,
        (*ACCOUNT, "command_status"),
        account_refused="submit_sm answered with an error",
    ),
    **_described(
        COUNTER,
        (*ACCOUNT, "state"),
        account_receipts_delivered="receipts acknowledged by the client",
    ),
    **_described(
        HISTOGRAM,
        ACCOUNT,
        account_answer_seconds="from a submit_sm to its ESME_ROK",
        account_final_receipt_seconds="from a submit_sm to the client's acknowledgement of its"
        " final receipt",
    ),
    **_described(
        GAUGE,
        ACCOUNT,
        client_binds="bound sessions; each holds a lease of one of the account's binds",
        client_outstanding="deliver_sm without an answer",
        client_window="deliver_sm that its sessions may have without an answer, all together",
        account_max_binds="binds that the account may have",
        account_rate="submit_sm a second that this node may take now, its share of the account's;"
        " no value without a limit",
        account_rate_limit="submit_sm a second that all nodes together may take; no value without"
        " a limit",
    ),
    **_described(
        GAUGE,
        QUEUE,
        account_queue_waiting="entries of the queue in the store (all nodes) that nobody has in"
        " hand",
        account_queue_in_hands="entries of the queue that a node has in hand",
        account_queue_limit="entries that the queue holds at most",
        account_queue_oldest_seconds="age of the oldest entry of the queue, 0 = it is empty",
    ),
    **_described(
        COUNTER,
        QUEUE,
        account_queue_dropped="entries that the queue lost to its limits since the store began",
    ),
    # -- providers ------------------------------------------------------------------------------
    **_described(
        GAUGE,
        PROVIDER,
        provider_rate="submit_sm a second that this node may send it; no value without a limit",
        provider_rate_limit="submit_sm a second that all nodes together may send it; no value"
        " without a limit",
        provider_backlog="submit_sm that wait for a window or its rate",
        provider_parked="receipts of this provider in the store (all nodes) that wait for the"
        " answer to their submit_sm",
        provider_places="binds to it of this node, of those that all nodes together may have",
        provider_places_wanted="binds to it of this node that wait for a place",
        provider_places_limit="binds to it that all nodes together may have; no value without a"
        " limit",
    ),
    **_described(
        GAUGE,
        (*PROVIDER, "mean"),
        provider_latency_seconds="from a submit_sm to its answer, mean of some seconds (short) and"
        " of about a minute",
    ),
    **_described(
        GAUGE,
        HOST,
        host_ejected="1 while a host is left alone since it fails",
        host_on_trial="1 until it has taken a message again",
        host_resting="1 while it gets nothing since it wants less",
    ),
    **_described(
        COUNTER,
        HOST,
        host_submitted="submit_sm written, second copies included",
        host_accepted="submit_sm answered ESME_ROK, late answers included",
        host_in_doubt="submit_sm not answered in time",
        host_unreadable_receipts="receipts without any message id",
        host_mo="MO messages read",
    ),
    **_described(
        COUNTER,
        (*HOST, "command_status"),
        host_refused="submit_sm answered with an error, by the provider's own code",
    ),
    **_described(COUNTER, (*HOST, "state"), host_receipts="receipts read"),
    **_described(
        GAUGE, (*BIND, "state"), upstream_bind="1 for the state each bind to a provider is in"
    ),
    **_described(
        GAUGE,
        BIND,
        upstream_outstanding="submit_sm without an answer",
        upstream_window="submit_sm that may be without an answer",
        upstream_alarm="1 while the provider refuses our credentials: a person has to act",
        upstream_wanted="1 unless an operator wants it drained or down",
        upstream_down_seconds="since a bind was last bound, however often it was tried since",
    ),
    **_described(
        COUNTER,
        BIND,
        upstream_submitted="submit_sm sent on a bind",
        upstream_answered="answers to them",
        upstream_deliveries="deliver_sm and data_sm read from a bind",
    ),
    # -- the workers of a node that has several, from its supervisor ------------------------------
    **_described(GAUGE, ("name",), worker_ready="1 while a worker takes new binds"),
    **_described(COUNTER, ("name",), worker_restarts="times a worker ended and was started again"),
    **_described(
        GAUGE,
        PROVIDER,
        hop_sessions="sessions that stand with other nodes which have binds of the provider",
    ),
    **_described(
        COUNTER,
        ("provider", "node"),
        hop_messages="submit_sm taken from another node, for a bind of this one; they are in no"
        " count of accounts or of the ledger",
        hop_answered="of them, answered by the provider",
        hop_not_sent="of them, given back unsent",
        hop_in_doubt="of them, in doubt",
    ),
    **_described(
        COUNTER,
        ("route", "provider", "reason"),
        targets_passed_over="targets of routes that did not get a message which they came first"
        " for",
    ),
}
"""By name, without its prefix, in which counters have no ``_total``."""
