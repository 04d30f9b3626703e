"""Keys on paper: a repository password in shares, key files as QR codes, and both put together."""
