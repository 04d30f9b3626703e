"""The sandbox of a drill: restored data brought to life where nothing of production is in reach."""
