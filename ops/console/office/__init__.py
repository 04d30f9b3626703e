"""Runs beside the service: sessions, what pages read, acts and their results."""
