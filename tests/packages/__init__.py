"""What is shipped, installed and run as its users would: ``make packages``, ``make image``.

The Debian package in a copy of this machine; the image of ``etc/docker``, built by an engine of its
own, with the composition in it; and the composition as processes, for where no engine can run. All
ask for more of a machine than the other suites: root, Debian's tools, overlay mounts.
"""
