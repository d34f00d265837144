"""Processes that do not outlive the one that started them."""

import multiprocessing
import multiprocessing.connection
import os
import threading


def die_with_parent() -> None:
    """End this process when the one that started it ends, however that was."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(113)

    threading.Thread(target=watch, daemon=True).start()
