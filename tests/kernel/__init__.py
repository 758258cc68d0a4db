"""Faults that only the kernel can make, in namespaces of the tests' own: ``make kernel``.

The process that runs these tests has a user, network and mount namespace to itself (``unshare``):
nothing here touches the machine's own networks and disks, and no root is needed.
"""
