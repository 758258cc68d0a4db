"""
The language: SMPP 3.3 and 3.4 as values. Bytes in, values out; no socket, clock, log or proxy here.

Which file to open:

==============  ==================================================================================
`constants`     a number of the standard and its name: command ids, statuses, TLV tags
`errors`        what can be wrong with octets from a peer, and the command_status that says so
`framing`       where one PDU ends and the next begins (command_length)
`pdu`           what one PDU is: four header facts and its octets, nothing decoded
`fields`        what stands in a body: binds, ids, messages; `walk_message` for the hot path
`tlv`           the optional parameters behind a body
`build`         how to write a PDU
`window`        which of our requests are unanswered, and since when
`timers`        how long each kind of silence may last
`table`         who may send what in which state: the whole protocol as data
`session`       what a PDU means in the session's state, and what the session answers itself
`received`      what a session tells the wire after a read or a tick
`refusals`      what is answered when something is refused: mission section 5, row for row
==============  ==================================================================================

One read goes through `session.Session.receive`, which cuts it (`framing`) and sorts it into lists;
field readers are called only by whoever needs the field.
"""
