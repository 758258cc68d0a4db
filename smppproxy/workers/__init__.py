"""One node as several processes (``workers = N``): a supervisor, and workers that share its ports.

The process that the service manager starts is the *supervisor*: it has the store, if that is ours,
the admin door, the network file and the word to systemd; it takes no clients and opens no binds.
Each worker is a whole node, named ``NAME.1`` ... ``NAME.N``: it listens on the same ports, opens
its part of each provider's binds and follows the network in the store. So everything that holds for
several nodes of one store holds for workers too.

What they say to each other: the supervisor writes a worker's node to its standard input, and keeps
that open: a worker whose supervisor is gone drains and ends. The worker writes its log, and how it
is, to descriptor 3, line by line.

`nodes`       of a node file: the node of the supervisor, and those of its workers
`orders`      what stands on those two pipes
`process`     one worker: started, heard, started again
`supervisor`  all of them, and the admin door that speaks for all
`asking`      what the supervisor asks at the workers' own doors
`gather`      their pages as one page
`tapping`     what passes at all of them as one stream
`books`       their ledgers as one
"""
