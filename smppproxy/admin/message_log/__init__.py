"""The message log: what became of each message, as JSON lines in a folder of this node.

The journeys note facts (``relay.journal``). They are packed at once (``facts``), and ten times a
second ``keeper`` writes them to a process of its own, ``scribe``: it makes the lines (``lines``),
keeps the files (``folder``) and counts by the hour (``tally``). A process, not a thread: to make
the lines of a message takes ten microseconds of Python, which a thread would take from the
reactor's core. What is handed over survives this node's sudden end; a full or slow disk holds up
the scribe alone.

``trace`` and ``cdr`` read the files again.
"""
