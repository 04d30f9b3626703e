"""What the service does for a site: back it up, check its repository, forget what is old.

A runner gets a `RunContext`, calls the library with plain arguments, and gives back a `JobResult`;
the ledger records it. The same runners serve the operator's tasks (`ops.jobs.run_now`).
"""
