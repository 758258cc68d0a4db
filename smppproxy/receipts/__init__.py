"""The return: reading providers' receipts, matching their ids, writing ours. Pure.

Which file to open:

=============  =====================================================================================
`receipt`      a provider's receipt as a value, out of a deliver_sm or a data_sm
`profile`      what a receipt said, and how one provider writes them
`text`         the text of a receipt, read and written
`dialects`     what providers' state words mean, and what we say to each account
`errs`         the `err` of a receipt, theirs and ours

`message_ids`  under which spellings a provider's id is looked up; the forms of our own
`learning`     how one provider spells its ids, learned from pairs that were seen
`correlation`  whether a receipt can belong to a message at all
`references`   our own reference on the way up, for receipts without a usable id
`outcomes`     what becomes of a receipt beside others of its message

`own`          the receipts that we make ourselves, when no provider will
`deliver`      the deliver_sm that brings a receipt to a client, octet for octet
=============  =====================================================================================
"""
