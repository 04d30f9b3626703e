"""A site as sources: files, databases, deliveries, manifest."""
