"""Record tables: who may do what: credentials, roles, requests that wait for a second person."""
