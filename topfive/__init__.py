"""topfive: hand-engineered features against deep networks, on your images."""
