"""The page: templates, style and script, and what fills them."""
