"""What keeps a sandbox apart: root, network, accounts, limits."""
