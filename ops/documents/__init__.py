"""Documents: scans and issued papers, kept by what they hold."""
