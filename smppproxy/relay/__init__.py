"""The two journeys: a submit_sm to a provider and its verdict back, a receipt to its account.

Read `submit` and `deliver` to know the product; `relay` is both as the wire sees them.

Which file to open:

============  ======================================================================================
`submit`      the life of a submit_sm, read by read
`submission`  one submit_sm on its way: what is known and what is stored of it
`rules`       what an account's settings refuse of it or change about it
`rates`       how many an account may send in a second, over nodes
`dispatch`    gives it to a target of its route
`translate`   as that provider wants it: addresses, text, times, TLVs, references
`narrow`      8-bit references of parts, for providers that want headers
`groups`      one client message that goes upstream as several
`flow`        what waits for a provider: windows, pauses, second tries
`backlog`     the line before its windows: whose turn it is
`moving`      what waits and goes to another target that has room before
`reasons`     why a target was passed over
`hop`         what a node without a bind of a provider sends through this one
`via`         another node in the place of a provider's host

`verdicts`    what a provider's answer means to a client
`tries`       what a refusal leads to: the same again, elsewhere, or the next target
`retry`       what a message that is sent once more carries with it
`doubt`       messages whose host went away or never answered
`echoes`      how a receipt may still find those, by our own reference
`endings`     maps written, client answered, everything counted
`numbers`     numbers of our message ids, taken from the store in blocks

`deliver`     the life of a receipt, read by read
`messages`    the life of an MO message, read by read
`answers`     a deliver_sm is answered once the store has what it said
`fresh`       receipts that must not overtake the answer to their message
`shared`      one provider_message_id for several messages
`spelling`    how each provider spells its ids, learned here
`reminders`   messages that never had a receipt
`parked`      receipts that were parked beside their maps, brought together
`replays`     receipts and MO messages without an owner, looked at again
`entries`     what is known of such an entry, for filters and people
`advice`      what those in quarantine have in common

`outbox`      queued receipts and MO messages to receivers with window room
`fetches`     queues that have something for receivers here, one fetch at a time
`claim`       room that is kept for receipts on their way through the store
`delivery`    one of them, and the deliver_sm that is made of it
`hands`       what of the queues is in this node's hands
`adoption`    what a former life or a dead node had in its hands
`crowding`    a store whose memory runs short: what is refused, and what goes
`growth`      tells other nodes of queues for which nobody here has room

`directory`   who is bound here
`pool`        the binds of one provider: which takes the next submit
`peers`       what a journey asks of a session, and what a session tells it
`speed`       how fast a provider may be sent to
`quality`     what the journeys tell the measure of quality
`health`      how a host is doing, for an operator

`ledger`      counts of what came, went and is here; they must add up
`counts`      counters of each account and host
`journal`     what the journeys note for the message log
`events`      events that a peer could cause by the thousand, told once a second
`limited`     how often a log tells of what comes by the thousand
`alarms`      a provider says that a PDU of ours is none
`recent`      the last messages, so that a plan can say where they would go
============  ======================================================================================
"""
