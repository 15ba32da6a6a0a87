"""Images as they lie on the disk: layouts, decoding, the built-in photographs."""
