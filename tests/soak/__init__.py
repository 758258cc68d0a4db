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
"""
