"""The one exception that means: the input is at fault, not the program."""


class InputError(ValueError):
    """Bad usage or bad data. The message is one clear line: what is wrong and what to do. Exit status 2."""
