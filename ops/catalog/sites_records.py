"""Record tables: sites that were retired, and estates as they were."""
