"""``python -m topfive.benchmark`` is ``topfive``."""

from .cli import main

if __name__ == "__main__":
    main()
