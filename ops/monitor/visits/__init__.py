"""Visits of sites, counted from the logs of web servers; nobody's address is kept."""
