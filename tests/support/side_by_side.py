"""Functions that run side by side, each in a thread of its own."""

import threading


def in_threads(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_few_threads(*bodies):
    """Do the same with one to three, without a loop: fewer events, and so fewer traces."""
    threads = tuple(threading.Thread(target=body) for body in bodies)
    threads[0].start()
    if len(threads) > 1:
        threads[1].start()
    if len(threads) > 2:
        threads[2].start()
    threads[0].join()
    if len(threads) > 1:
        threads[1].join()
    if len(threads) > 2:
        threads[2].join()
