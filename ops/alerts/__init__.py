"""Alerts and notices: what is red, since when, who was told, and who has taken it up.

An event of the service becomes a row a person in the outbox, and an alert::

    ledger event ──decide──► draft ──route──► one row a person in the outbox
    judge (`ops.status`) ──►                        │ (in the transaction of the event)
                                                    ▼
                                   courier: one target at a time, tried again until it arrives

    ledger event ──notice drafts──► decide_alerts ──► opened, repeated, closed
    open, grave, unanswered ──decide_escalations──► the next person is told, each step once
    a person ──monitor.ack──► nobody else is told

What hosts and sites are like is told when it has been so for a time, and nothing above it is::

    conditions of a look ──decide_look──► states: pending → firing → resolved, or
                                          suppressed, hushed ──take_look──► alerts, notices
"""
