"""Deep networks: AlexNet, its ancestors and its heirs, and one training loop for all of them."""
