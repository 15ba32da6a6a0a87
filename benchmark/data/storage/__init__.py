"""Files in folders and archives, where each one's bytes lie, and the cache folder that remembers it."""
