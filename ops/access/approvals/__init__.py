"""Requests and the second person."""
