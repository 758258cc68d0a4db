"""Hours of ordinary life: what grows that should not?

``python -m tests.soak --minutes 10`` (``make soak``) starts what :mod:`tests.chaos.world` knows:
two nodes, a store, four hosts, six clients, all processes of their own. Messages and receipts
flow at a steady rate, clients are cut off, leave and come back, hosts reset their connections and
die. Memory, descriptors, timers and queues of both nodes are read every few seconds; once a node
is warm nothing of it may rise. In the end the histories of both ends are compared.

It is warm once what it remembers for a bounded time or up to a bounded number has been filled: ten
minutes after sixty thousand messages, or after half of a shorter run. The ends write 170 octets a
message to build/soak, and remember 400 until the comparison, which takes another kilobyte: 8 hours
at 100 messages a second are 500 MiB of disk and 4 GiB of memory, none of it the nodes'.

Ten minutes of it with little traffic (``--small``) are part of ``make check``. No message may be
lost, ledgers balance, descriptors and timers stay; objects may not hold more and more pieces of
memory: seven for each message that a node carries in these minutes would be told, and a message
that somebody forgot to forget is more than that; by a thousand their number rises anyway, while the
dicts of a young node find their size. RSS may grow by 8 MiB there, for the allocator asks for a
megabyte at a time: one of them in five minutes is a slope of 12 MiB an hour and no leak. What it
does in hours is asked of hours, and may be 1 MiB in each.
"""
