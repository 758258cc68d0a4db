"""The two journeys: a submit_sm to a provider and its verdict back, a receipt to its account.

Read ``submit`` and ``deliver`` to know the product. ``submission`` is one submit_sm on its way,
``doubt`` says what happens to messages whose host went away, ``outbox`` hands queued receipts and
MO messages to clients, ``directory`` knows who is bound here, ``ledger`` counts, ``peers`` is what
a journey asks of a session.
"""
