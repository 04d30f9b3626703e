"""What is red, since when, who was told, and who has taken it up.

::

    ledger event ──notice drafts──► decide_alerts ──► opened, repeated, closed
    open, grave, unanswered ──decide_escalations──► the next person is told, each step once
    a person ──monitor.ack──► nobody else is told
"""
