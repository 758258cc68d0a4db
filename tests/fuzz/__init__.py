"""Octets from strangers: what a client, a provider, a balancer, a file or the store may hold.

Each target of :mod:`tests.fuzz.targets` is a function of octets that raises when a promise breaks.
``python -m tests.fuzz TARGET`` lets atheris look for such octets, guided by coverage; what it once
found, and a few good beginnings, stand in ``corpus/`` and are tried by every ``make test``.
"""
