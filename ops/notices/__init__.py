"""Tell people: what is worth telling, to whom, in which words, and that it arrives.

::

    ledger event ──decide──► draft ──route──► one row a person in the outbox
    site is late ──decide──►                        │ (in the transaction of the event)
                                                    ▼
                                   courier: one target at a time, tried again until it arrives
"""
