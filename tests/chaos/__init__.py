"""Real processes, real faults: two nodes, a store, two providers with two hosts each, six clients.

``python -m tests.chaos --minutes 3 --seed 7`` does harm to them for three minutes, heals, waits
until everything that was promised has come, and compares the append-only histories that both ends
wrote; ``make chaos`` is that. In ``build/chaos`` it leaves the histories, ``report.json`` and a
picture of what happened when, ``timeline.svg``.
"""
