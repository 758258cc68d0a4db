"""Load tests: clients and providers that cost a small part of what the node does for a message.

Which file to open:

===========  =======================================================================================
`plan`       what a load test is to do, and each process's share of it
`client`     the clients of one process: octets in, octets out
`provider`   a provider that does nothing but answer and send receipts: octets in, octets out
`reading`    the few facts of a receipt that count here
`loop`       sockets: one read and one write per socket and turn, no reactor
`board`      what became of each message, in memory that all processes share
`histogram`  latencies as counts; `counts` is all else that is counted

`worker`     one process of a load test; `__main__` starts it
`run`        starts the processes, tells them when, adds up
`hosts`      the same for the provider
`usage`      processor time of other processes

`series`     everything over time
`result`     what was found, and whether it was good
`picture`    the same as an SVG
===========  =======================================================================================
"""
