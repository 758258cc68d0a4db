"""The two journeys: a submit_sm to a provider and its verdict back, a receipt to its account.

Read ``submit`` and ``deliver`` to know the product. ``submission`` is one submit_sm on its way,
``flow`` says what waits for a provider and what is sent again, ``doubt`` what happens to messages
whose host went away, and ``echoes`` how a receipt may still find them. ``rules``, ``translate`` and
``groups`` stand between what a client sent and what a provider gets, ``rates`` before them.
``outbox`` hands queued receipts and MO messages to clients, each made by ``delivery``;
``spelling`` knows how ids are written and ``reminders`` which messages never had a receipt.
``directory`` knows who is bound here, ``ledger`` counts, ``peers`` is what a journey asks of a
session.
"""
