"""The programs whose reports are golden: small, and each shows one thing.

Keep the line numbers: every report names them. New programs go to the end.
"""

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import interleave


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class FakeDatabase:
    def __init__(self):
        self.value = 0

    def update(self):
        self.value += 1


def lost_update():
    database = FakeDatabase()
    run(database.update, database.update)
    assert database.value == 2, "an update was lost"


class Ticket:
    def __init__(self):
        self.taken, self.buyers = False, []

    def buy(self, name):
        if not self.taken:
            self.taken = name
            self.buyers.append(name)


def sold_twice():
    ticket = Ticket()
    run(lambda: ticket.buy("Ann"), lambda: ticket.buy("Bob"))
    assert len(ticket.buyers) == 1, ticket.buyers


class Slot:
    def __init__(self):
        self.message = None
        self.room, self.filled = threading.Semaphore(1), threading.Semaphore(0)

    def put(self, message):
        self.room.acquire()
        self.message = message
        self.filled.release()

    def get(self):
        self.filled.acquire()
        self.room.release()
        return self.message


def overwritten():
    slot, received = Slot(), []

    def send():
        for message in ("first", "second"):
            slot.put(message)

    def receive():
        received.append(slot.get())
        received.append(slot.get())

    run(send, receive)
    assert received == ["first", "second"], received


def too_early():
    database = FakeDatabase()
    thread = threading.Thread(target=database.update)
    thread.start()
    assert database.value == 1
    thread.join()


def embrace():
    first, second = threading.Lock(), threading.Lock()

    def forth():
        with first:
            with second:
                pass

    def back():
        with second:
            with first:
                pass

    run(forth, back)


def lost_wake_up():
    ready = threading.Condition()

    def notify():
        with ready:
            ready.notify()

    def wait():
        with ready:
            ready.wait()

    run(notify, wait)


def race():
    log = []
    run(lambda: log.append("a"), lambda: log.append("b"))
    return "".join(log)


def dropped():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int, "x")


def alone():
    return 1


def endless():
    event = threading.Event()

    def spin():
        while not event.is_set():
            time.sleep(0)

    run(spin)


runs = []


def changing():
    runs.append(1)
    return interleave.choose(range(2 + len(runs) % 2))


def misused():
    lock = threading.Lock()
    lock.acquire()

    def give_back():
        lock.release()

    run(give_back, give_back)


def printed():
    run(lambda: print("one"), lambda: print("two"))


def asleep():
    left = [1]

    def buy():
        if left[0]:
            time.sleep(0.1)
            left[0] -= 1

    run(buy, buy)
    assert left[0] == 0, "sold twice"


def wide():
    数 = {"キー": 0, "大": "x" * 100_000}  # noqa: PLC2401 - wide names are the point

    def 増やす():  # noqa: PLC2401 - likewise
        数["キー"] = 数["キー"] + 1
        数["大"] = "漢字" * 50_000

    run(増やす, 増やす)
    assert 数["キー"] == 2, "失敗" * 1_000 + "\n\x1b[31mred"


def looping():
    done = []

    def count():
        total = [0]
        while not done:
            total[0] += 1
        done.append(total[0])

    thread = threading.Thread(target=count)
    thread.start()
    time.sleep(0)
    done.append("stop")
    thread.join()
    assert done[1] < 3, done


def many():
    counter = FakeDatabase()
    run(*[counter.update] * 8)
    assert counter.value == 8


def passed_on():
    items = queue.Queue(1)

    def take():
        assert items.get(timeout=1) != 2

    thread = threading.Thread(target=take)
    thread.start()
    items.put(2)
    thread.join()


def bare_race():
    database = FakeDatabase()
    thread = threading.Thread(target=database.update)
    thread.start()
    database.update()
    thread.join()
    return database.value
