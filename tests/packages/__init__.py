"""What is shipped, installed and run as its users would: ``make packages``.

The Debian package in a copy of this machine, and the composition of ``etc/docker`` as processes in
networks of their own. Both ask for more of a machine than the other suites: Debian's tools, overlay
mounts, and half a minute without anybody else.
"""
