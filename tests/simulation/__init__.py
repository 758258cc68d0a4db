"""The whole relay from one seed: two nodes, one store, two providers, three accounts, no sockets.

``python -m tests.simulation --seeds 1-100000 --jobs 2`` runs many schedules, ``make simulate`` the
same. A schedule is random in all it does, and all of it comes from its seed: a seed that fails
fails again.
"""
