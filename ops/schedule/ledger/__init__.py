"""The occurrence ledger: one row per job and due time, so that each is started exactly once.

::

    due ──claim──► claimed ──begin──► running ──end──► ended, with an outcome
     ▲                │ given back       │ tried again     ok incomplete failed not_checked
     └────────────────┴──────────────────┘
    due ──► ended: missed (coalesced, down) · skipped (blackout, retired)
    claimed, running ──► lost: its heartbeat stands still and its site's lock is free

Every arrow is one UPDATE that names the state it leaves, so of two services one wins. No step
compares the age of a row by the wall clock: heartbeats are counters, and whoever watches them
measures with a steady clock of its own.
"""
