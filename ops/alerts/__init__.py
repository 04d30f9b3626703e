"""What is red, since when, who was told, and who has taken it up.

::

    ledger event ──notice drafts──► decide_alerts ──► opened, repeated, closed
    open, grave, unanswered ──decide_escalations──► the next person is told, each step once
    a person ──monitor.ack──► nobody else is told

What hosts and sites are like is told when it has been so for a time, and nothing above it is::

    conditions of a look ──decide_look──► states: pending → firing → resolved, or
                                          suppressed, hushed ──take_look──► alerts, notices

Tell people: what is worth telling, to whom, in which words, and that it arrives.

::

    ledger event ──decide──► draft ──route──► one row a person in the outbox
    judge (`ops.status`) ──►                        │ (in the transaction of the event)
                                                    ▼
                                   courier: one target at a time, tried again until it arrives
"""
