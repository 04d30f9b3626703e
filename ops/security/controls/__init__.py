"""What must be in place on hosts and sites, by level: dated data beside the duties."""
