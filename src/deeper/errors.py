"""The one exception a user is meant to see."""


class DeeperError(Exception):
    """Something the user can mend: one line that says what is wrong and what to do.

    Verbs print the line and exit with status 2; no traceback is shown.
    """
