"""THE CHOICE: who may send what, to which provider it goes, whose MO it is. Pure.

Accounts and providers as values (`accounts`, `providers`), what a value may be (`rules`), the
routes of submits (`routes`) and of MO messages (`mo`), and the rate of an account (`throttle`).
Nothing here knows a socket, a clock or a file: `config` builds these objects, the journeys of
`relay` ask them.
"""
