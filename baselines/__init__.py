"""Hand-engineered features and their classifiers: descriptors, encoders, linear SVMs, and the winners by name."""
