"""Capture of a portal's items: rows of its database, or its feeds and sitemaps, become items."""
