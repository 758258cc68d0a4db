"""The message log: what became of each message, as JSON lines in a folder of this node.

The journeys note facts (``relay.journal``). They are packed at once, and ten times a second
`keeper` writes them to a process of its own, `scribe`. A process, not a thread: to make the lines
of a message takes microseconds of Python, which a thread would take from the reactor's core. What
goes well is noted and packed a read at a time, in columns (`rows`), and becomes lines some hundred
messages at a time: no message is taken in hand alone. What is handed over survives this node's
sudden end; a full or slow disk holds up the scribe alone.

Which file to open:

=========  =========================================================================================
`facts`    what was noted becomes rows, in the node
`texts`    what messages say, where that is wanted
`rows`     what is handed over: one msgpack array per row
`keeper`   hands over, never waits, never fails

`scribe`   the other process
`lines`    makes the lines of rows; those about messages are in
           `submitted` and `returned`, from what is in `sheet`
`parties`  sessions and accounts that rows refer to
`pieces`   octets, numbers and texts as JSON has them
`kept`     texts that many lines share, ready made
`folder`   keeps the files
`spans`    makes OpenTelemetry spans of some lines
`otlp`     sends them to a collector
`tally`    counts by the hour

`search`   finds messages in the files
`trace`    where a message went, by the files and the store
`cdr`      one row per message
`reports`  the hours' counts, out of the store
=========  =========================================================================================
"""
