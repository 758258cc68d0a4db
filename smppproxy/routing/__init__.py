"""THE CHOICE: who may send what, to which provider it goes, whose MO it is. Pure.

Nothing here knows a socket, a clock or a file: `config` builds these objects, the journeys of
`relay` ask them.

Which file to open:

===============  ===================================================================================
`accounts`       a configured ESME: what it may do and what it is promised
`providers`      an upstream operator, its hosts, and how to bind to them
`addresses`      which addresses an account may use, what a provider is told of them
`rules`          what a single setting may be, and the operator's words for what is wrong
`states`         what an operator wants of a provider, a host or a bind
`throttle`       the rate of an account or a provider: a token bucket

`routes`         the routes of submits: `pick`, asked once for each message
`route`          one route as the network file has it, and what a choice gives
`route_rules`    what the conditions of a route may say
`targets`        the providers of a route, in which order, and what each is told
`prepared`       a route made ready before the first message
`conditions`     which routes a message fits, for all routes at once
`patterns`       regular expressions that no text makes slow
`prefixes`       the longest known beginning of a number
`prices`         who carries a message for least
`quality`        who delivers best, by prefix
`explain`        the same rule read aloud, slow and independent of `routes`
`facts`          what a submit_sm says to routes, for people
`overlaps`       routes that never get what they ask for

`mo`             the routes of MO messages: numbers and keywords
`calling_codes`  the country of a number, by which traffic is counted

`outliers`       hosts that fail while others of their provider do not
`pace`           how fast a provider can be sent to, found out by its answers
===============  ===================================================================================
"""
