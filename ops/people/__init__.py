"""People: which roles they hold, how they prove who they are, what two of them must agree on."""
