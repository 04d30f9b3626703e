"""The service's part in runbooks: it keeps their state, runs commands, asks and approves."""
