"""The doors: Twisted sockets towards clients and providers, TLS, reconnecting.

`protocol` holds the only ``dataReceived`` and the only ``transport.write`` of the product.

Which file to open:

==================  ================================================================================
`listener`          the door for clients: a port, plain or TLS
`sharing`           a port that several processes listen on
`proxied`           a listener behind load balancers; `proxy_header` reads their header
`proxy_header`      the PROXY protocol, versions 1 and 2
`admission`         who may bind: every check in its order
`authentication`    passwords checked off the reactor's thread, guessing slowed
`passwords`         the forms of passwords
`guest`             a session that the other side opened: its timer, and who waits for its end
`client`            a client's session, from the first octet to the last
`parking`           submit_sm that the relay wants no more of for the moment
`leases`            the binds of an account over all nodes

`pool`              all binds to one provider, as its settings and its operator want them
`upstream`          the state machine of one bind: connects, binds, starts over
`bind`              one bind as it is wanted, and how an operator sees it
`provider_session`  a session with a provider's host
`pauses`            how long a bind waits before its next attempt
`places`            the binds to a provider over all nodes
`control`           what operators want of providers, hosts and binds

`hop_door`          the door for other nodes, which have no bind of a provider of their own
`hop_links`         sessions with other nodes' doors: which of them this node needs, and when
`hop_tls`           mutual TLS between nodes
`sockets`           Unix sockets that a killed node has left behind

`protocol`          the edge of a session, for both sides
`ticker`            what all sessions share: one timer, and the end of a turn of the reactor
`shares`            this node's parts of the limits that all nodes share
`threads`           threads for work that would hold up the reactor
`tls`               TLS towards clients and providers
`certificates`      what files hold for it, tried before anything starts
==================  ================================================================================
"""
