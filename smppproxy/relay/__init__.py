"""The two journeys: a submit_sm to a provider and its verdict back, a receipt to its account.

Read ``submit`` and ``deliver`` to know the product. ``submission`` is one submit_sm on its way,
``dispatch`` gives it to a target of its route, and ``reasons`` says why to no other one. ``flow``
knows what waits for a provider and ``moving`` what may go to another one before; ``tries`` is what
a refusal leads to, ``doubt`` what happens to messages whose host went away, ``echoes`` how a
receipt may still find them, and ``endings`` what their clients hear. ``rules``, ``translate`` and
``groups`` stand between what a client sent and what a provider gets, ``rates`` before them.
``outbox`` hands queued receipts and MO messages to clients, each made by ``delivery``;
``spelling`` knows how ids are written and ``reminders`` which messages never had a receipt.
``directory`` and its ``pool`` know who is bound here, ``ledger`` counts, ``peers`` is what a
journey asks of a session.
"""
