"""Classes whose calls are made side by side: correct ones, and ones with a well-known fault."""

import threading
from collections import OrderedDict, deque


class LockedMap:
    def __init__(self):
        self.items = {}
        self.lock = threading.Lock()

    def put(self, key, value):
        with self.lock:
            self.items[key] = value

    def get(self, key):
        with self.lock:
            return self.items.get(key)

    def pop(self, key):
        with self.lock:
            return self.items.pop(key)

    def setdefault(self, key, value):
        with self.lock:
            if key not in self.items:
                self.items[key] = value
            return self.items[key]


class CheckThenActMap(LockedMap):
    def setdefault(self, key, value):
        with self.lock:
            known = key in self.items
        if not known:
            self.put(key, value)
        return self.get(key)


class UnlockedLru:
    """A cache of one entry: the one that was used last."""

    def __init__(self):
        self.items = OrderedDict()

    def get(self, key):
        if key not in self.items:
            return None
        self.items.move_to_end(key)
        return self.items[key]

    def put(self, key, value):
        self.items[key] = value
        if len(self.items) > 1:
            self.items.popitem(last=False)


class CountingQueue:
    """Its length is counted beside it, without a lock."""

    def __init__(self):
        self.items = deque()
        self.count = 0

    def put(self, value):
        self.items.append(value)
        self.count += 1

    def size(self):
        return self.count


class LateRegister:
    """What a thread writes, others see after its next call: in program order, but too late."""

    def __init__(self):
        self.value = 0
        self.own = threading.local()

    def write(self, value):
        self._flush()
        self.own.value = value

    def read(self):
        self._flush()
        return self.value

    def _flush(self):
        if hasattr(self.own, "value"):
            self.value = self.own.value
            del self.own.value


class Accounts:
    """Two accounts, each with a lock of its own, taken in the order of a transfer."""

    def __init__(self):
        self.locks = threading.Lock(), threading.Lock()
        self.balances = [5, 5]

    def transfer(self, source, target):
        with self.locks[source], self.locks[target]:
            self.balances[source] -= 1
            self.balances[target] += 1
