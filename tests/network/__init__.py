"""Faults of the network itself, in namespaces of the tests' own: ``make network``.

The process that runs these tests has a user, network and mount namespace to itself (``unshare``),
so that nothing here touches the machine's own network, and no root is needed.
"""
