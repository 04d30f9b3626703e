"""Capture of pages: a small crawler that keeps what a site's server said, byte by byte, in WARC."""
