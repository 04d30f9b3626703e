"""An open repository: keys, locks, index, packs to come, blobs in use."""
