"""Restores: into a folder, in place, onto a host, into a database server."""
