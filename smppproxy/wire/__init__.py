"""The doors: Twisted sockets towards clients and providers, TLS, reconnecting.

``protocol`` holds the only ``dataReceived`` and the only ``transport.write`` of the product;
``listener`` is the door for clients, ``upstream`` the binds to providers.
"""
