"""T10: one thread acquires the same lock twice.

`Account.transfer` takes the lock and calls `Account.deposit`, which takes it again. A
`Lock` does not know its owner: the second acquire waits for a release that only the
waiting thread could make. Every schedule is a deadlock, and the report must name the
lock, its owner and both lines.

With an `RLock` the owner may come in again, and the same code passes.
"""

import threading

from interleave import model


class Account:
    """A balance whose methods all take the one lock they are given."""

    def __init__(self, lock: "threading.Lock | threading.RLock") -> None:
        self.balance = 0
        self._lock = lock

    def deposit(self, amount: int) -> None:
        """Add to the balance, under the lock."""
        with self._lock:
            self.balance += amount

    def transfer(self, amount: int) -> None:
        """Take the lock, then call a method that takes it too."""
        with self._lock:
            self.deposit(amount)


def transfer_in_thread(account: Account) -> int:
    """Make one transfer in a thread of its own; return the balance."""
    thread = threading.Thread(target=account.transfer, args=(5,))
    thread.start()
    thread.join()
    return account.balance


@model(failures=["deadlock"])
def lock_twice() -> int:
    """Come in twice through a `Lock`."""
    return transfer_in_thread(Account(threading.Lock()))


@model(failures=["deadlock"])
def lock_twice_in_main() -> int:
    """Come in twice without any other thread."""
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
    return 0


@model(outcomes=[5])
def rlock_twice() -> int:
    """Come in twice through an `RLock`."""
    return transfer_in_thread(Account(threading.RLock()))


if __name__ == "__main__":
    print(rlock_twice())
