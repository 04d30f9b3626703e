"""The console: pages for people, in two processes.

`office` runs beside the service, as its user: it knows who somebody is, reads, and has acts done.
`web` speaks HTTP, as a user of its own without keys and without the catalog's file. Between them is
a Unix socket (`ops.console.frames`).
"""
