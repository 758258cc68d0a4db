"""How long trouble lasts: the figures that are promised, measured with real processes and sockets.

``python -m tests.figures`` (``make figures``) takes each in turn, prints a table of aim and figure
with the command that repeats it, and leaves all samples in ``build/figures``; ``--only NAME`` takes
one. A simulated peer lives in this process: on a busy machine the figures are those of the machine.
"""
