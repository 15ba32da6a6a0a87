"""The one exception that means: the input is at fault, not the program."""


class InputError(ValueError):
    """Bad usage or bad data. The message is one clear line: what is wrong and what to do. Exit status 2."""

    def __str__(self) -> str:
        """The line, with bytes that are no UTF-8 (in names of files) as ``\\xe9``: it can be printed anywhere."""
        try:
            return super().__str__().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        except UnicodeEncodeError:
            return super().__str__().encode("utf-8", "backslashreplace").decode("utf-8")
