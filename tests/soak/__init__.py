"""Hours of ordinary life: what grows that should not?

``python -m tests.soak --minutes 10`` (``make soak``) starts what :mod:`tests.chaos.world` knows:
two nodes, a store, four hosts, six clients, all processes of their own. Messages and receipts
flow at a steady rate, clients are cut off, leave and come back, hosts reset their connections and
die. Memory, descriptors, timers and queues of both nodes are read every few seconds; once a node
is warm nothing of it may rise. In the end the histories of both ends are compared.
"""
