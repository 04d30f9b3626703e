"""Hosts and sites looked at for what is unsafe, what is allowed there, and what that proves."""
