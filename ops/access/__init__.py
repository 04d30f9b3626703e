"""Who may: identity, credentials, roles, rights, approvals."""
