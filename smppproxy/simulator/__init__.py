"""The simulator: SMSC and ESME for demos, tests and load, built from ``smpp/`` so that they
cannot drift from the product's own reading of the protocol.

Which file to open:

=============  =====================================================================================
`smsc`         a provider with several hosts and every habit seen in the field
`options`      all those habits, and the client's, with their defaults
`presets`      a provider with the habits of a shipped preset
`demands`      what a provider takes of a submit_sm
`shapes`       the forms that providers give to message ids and receipts
`receipts`     what a provider says about a message
`mailbox`      what a provider still has to deliver

`esme`         a client that submits, takes receipts and remembers all of it
`link`         one TCP connection with an SMPP session on it, for both
`clock`        many timers under one
`records`      what both remember
`histories`    compares what clients, providers and the node remember
`run`          both by themselves, for ``smppproxy simulate``
`load`         load tests: many clients and a lean provider, in processes of their own

`demo`         both around one real node, for ``smppproxy demo``
`stage`        what the demo's node needs on disk
`certificate`  a self-signed certificate made on the spot
`view`         the demo on a terminal
`show`         shows it while it runs
=============  =====================================================================================
"""
