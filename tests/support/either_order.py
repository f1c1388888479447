"""The smallest program with two outcomes: two threads, and which of them comes first."""

import threading


def race():
    log = []
    threads = [threading.Thread(target=log.append, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "".join(log)
