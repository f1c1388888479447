"""Optimal reduction: one execution for each trace, with the numbers that theory demands.

The numbers of the first table are ground truth from outside: other tools and brute force agree on
them. Those of the pitfalls are reasoned out beside each program.
"""

import threading
import time
from queue import Empty, Queue

import pytest
from either_order import race
from side_by_side import in_threads
from unlocked_counters import Place, counter

import interleave
from interleave import run_threads


def explored(program, **options):
    report = interleave.check(program, strategy="dpor", keep_going=True, **options)
    assert report.redundant == 0
    assert report.exhaustive, report.reasons
    return report


def counter_lock(n, k):
    def program():
        place, lock = Place(), threading.Lock()
        place.c = 0

        def count():
            for _ in range(k):
                with lock:
                    t = place.c
                    place.c = t + 1

        in_threads(*[count] * n)
        return place.c

    return program


def writers(n):
    def program():
        place = Place()

        def write(i):
            place.x = i

        in_threads(*[lambda i=i: write(i) for i in range(n)])

    return program


def readers(n):
    def program():
        place = Place()
        place.x = 0

        def write():
            place.x = 42

        in_threads(write, *[lambda: place.x] * n)

    return program


def readers_that_tell(n):
    def program():
        place = Place()
        place.x = 0
        seen = [0] * n

        def write():
            place.x = 42

        def look(i):
            seen[i] = place.x

        in_threads(write, *[lambda i=i: look(i) for i in range(n)])
        return sum(seen)

    return program


def litmus(*threads):
    """Two places, and threads that store to them (capitals) and load from them."""

    def program():
        place = Place()
        place.x = place.y = 0

        def run(steps):
            for step in steps:
                match step:
                    case "X":
                        place.x = 1
                    case "Y":
                        place.y = 1
                    case "x":
                        place.x  # a load
                    case "y":
                        place.y  # likewise

        in_threads(*[lambda steps=steps: run(steps) for steps in threads])

    return program


def lastzero(n):
    def program():
        a = [0] * (n + 1)

        def raise_to(j):
            a[j] = a[j - 1] + 1

        def look():
            i = n
            while a[i] != 0:
                i -= 1

        in_threads(look, *[lambda j=j: raise_to(j) for j in range(1, n + 1)])

    return program


def philosophers(n, *, ordered=False):
    def program():
        forks = [threading.Lock() for _ in range(n)]

        def dine(i):
            first, second = i, (i + 1) % n
            if ordered:
                first, second = sorted((first, second))
            with forks[first], forks[second]:
                pass

        in_threads(*[lambda i=i: dine(i) for i in range(n)])

    return program


def trylock(n):
    def program():
        place, lock = Place(), threading.Lock()
        place.c = 0

        def count():
            if lock.acquire(blocking=False):
                t = place.c
                place.c = t + 1
                lock.release()

        in_threads(*[count] * n)
        return place.c

    return program


def fib(n):
    def program():
        place = Place()
        place.i = place.j = 1

        def one():
            for _ in range(n):
                a = place.i
                b = place.j
                place.i = a + b

        def other():
            for _ in range(n):
                b = place.j
                a = place.i
                place.j = a + b

        in_threads(one, other)
        return place.i, place.j

    return program


def sigma(n):
    def program():
        place = Place()
        place.idx = -1
        array = [0] * n

        def work():
            i = place.idx
            array[i] = 1

        threads = []
        for _ in range(n):
            t = place.idx
            place.idx = t + 1
            threads.append(threading.Thread(target=work))
            threads[-1].start()
        for thread in threads:
            thread.join()

    return program


def ssb(n):
    # After the family on which source sets run into exponentially many blocked executions [QPOR18].
    def program():
        place = Place()
        place.z = place.c = place.x = 0
        cells = [Place() for _ in range(n)]
        for cell in cells:
            cell.v = 0

        def write(i):
            cells[i].v = 1

        def twice(value):
            for _ in range(2):
                place.x = value

        def read():
            if place.z == 1:
                cells[place.c].v = 2
            else:
                other = threading.Thread(target=twice, args=(1,))
                other.start()
                twice(2)
                other.join()

        def count():
            place.z = 1
            for i in range(1, n):
                place.c = i

        in_threads(*[lambda i=i: write(i) for i in range(n)], count, read)

    return program


def carter():
    def program():
        place = Place()
        place.a = place.b = 0
        m, other = threading.Lock(), threading.Lock()

        def work(name):
            with m:
                n = getattr(place, name) + 1
                setattr(place, name, n)
                if n == 1:
                    other.acquire()
            with m:
                n = getattr(place, name) - 1
                setattr(place, name, n)
                if n == 0:
                    other.release()

        in_threads(lambda: work("a"), lambda: work("b"))

    return program


def event_counter(n):
    def program():
        place, event = Place(), threading.Event()
        place.c = 0

        def count():
            event.wait()
            t = place.c
            place.c = t + 1

        threads = [threading.Thread(target=count) for _ in range(n)]
        for thread in threads:
            thread.start()
        event.set()
        for thread in threads:
            thread.join()

    return program


def semaphore_counter(n, start):
    def program():
        place, semaphore = Place(), threading.Semaphore(start)
        place.c = 0

        def count():
            with semaphore:
                t = place.c
                place.c = t + 1

        in_threads(*[count] * n)

    return program


def readers_writers(writers, readers):
    def program():
        place = Place()
        place.x = 0

        def write(i):
            place.x = i

        in_threads(*[lambda i=i: write(i) for i in range(writers)], *[lambda: place.x] * readers)

    return program


def empty_sections(n):
    def program():
        lock = threading.Lock()

        def enter():
            with lock:
                pass

        in_threads(*[enter] * n)

    return program


def embrace():
    one, other = threading.Lock(), threading.Lock()

    def first():
        with one, other:
            pass

    def second():
        with other, one:
            pass

    in_threads(first, second)


@pytest.mark.parametrize(
    ("program", "executions", "blocked"),
    [
        pytest.param(counter(2, 1), 4, 0, id="counter 2,1"),
        pytest.param(counter(2, 2), 34, 0, id="counter 2,2"),
        pytest.param(counter(3, 1), 36, 0, id="counter 3,1"),
        pytest.param(counter_lock(3, 1), 6, 0, id="counter_lock 3,1"),
        pytest.param(counter_lock(2, 3), 20, 0, id="counter_lock 2,3"),
        pytest.param(counter_lock(3, 2), 90, 0, id="counter_lock 3,2"),
        pytest.param(writers(4), 24, 0, id="writers 4"),
        pytest.param(writers(5), 120, 0, id="writers 5"),
        pytest.param(readers(4), 16, 0, id="readers 4"),
        pytest.param(readers(6), 64, 0, id="readers 6"),
        pytest.param(readers_that_tell(4), 16, 0, id="readers 4, into one list"),
        # Each load is before or after the store that it meets, but for the one combination in
        # which the edges would form a circle; of three on the way of a message, one of eight.
        pytest.param(litmus("Xy", "Yx"), 2**2 - 1, 0, id="store buffering"),
        pytest.param(litmus("XY", "yx"), 2**2 - 1, 0, id="message passing"),
        pytest.param(litmus("xY", "yX"), 2**2 - 1, 0, id="load buffering"),
        pytest.param(litmus("XY", "YX"), 2**2 - 1, 0, id="two and two stores"),
        pytest.param(litmus("X", "Y", "xy", "yx"), 2**4 - 1, 0, id="independent reads"),
        pytest.param(litmus("X", "xY", "yx"), 2**3 - 1, 0, id="write to read causality"),
        pytest.param(lastzero(3), 12, 0, id="lastzero 3"),
        pytest.param(lastzero(4), 28, 0, id="lastzero 4"),
        pytest.param(lastzero(5), 64, 0, id="lastzero 5"),
        pytest.param(philosophers(3), 6, 1, id="philosophers 3"),
        pytest.param(philosophers(4), 14, 1, id="philosophers 4"),
        pytest.param(philosophers(3, ordered=True), 6, 0, id="philosophers 3, lower first"),
        pytest.param(philosophers(4, ordered=True), 14, 0, id="philosophers 4, lower first"),
        pytest.param(trylock(2), 4, 0, id="trylock 2"),
        pytest.param(trylock(3), 21, 0, id="trylock 3"),
        pytest.param(fib(1), 3, 0, id="fib 1"),
        pytest.param(fib(2), 19, 0, id="fib 2"),
        pytest.param(fib(3), 141, 0, id="fib 3"),
        pytest.param(sigma(2), 3, 0, id="sigma 2"),
        pytest.param(sigma(3), 15, 0, id="sigma 3"),
        pytest.param(sigma(4), 105, 0, id="sigma 4"),
        # z was read first: 4! / (2! 2!) orders of two and two stores; or second: n values of c, and
        # whoever stores to that cell may be before or after.
        pytest.param(ssb(1), 6 + 2 * 1, 0, id="ssb 1"),
        pytest.param(ssb(2), 6 + 2 * 2, 0, id="ssb 2"),
        pytest.param(ssb(4), 6 + 2 * 4, 0, id="ssb 4"),
        pytest.param(ssb(6), 6 + 2 * 6, 0, id="ssb 6"),
        pytest.param(carter(), 2, 2, id="carter01"),
        pytest.param(event_counter(2), 4, 0, id="event 2"),
        pytest.param(event_counter(3), 36, 0, id="event 3"),
        pytest.param(semaphore_counter(3, 1), 6, 0, id="semaphore counter 3,1"),
        pytest.param(readers_writers(2, 2), 18, 0, id="reader/writer 2,2"),
        pytest.param(readers_writers(3, 2), 96, 0, id="reader/writer 3,2"),
        pytest.param(empty_sections(3), 6, 0, id="empty critical sections 3"),
        pytest.param(embrace, 2, 1, id="embrace"),
    ],
)
def test_each_trace_is_run_once(program, executions, blocked):
    report = explored(program)
    assert (report.executions, report.blocked) == (executions, blocked)


# -- final values -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "k", "values"), [(2, 1, {1, 2}), (2, 2, {2, 3, 4}), (3, 1, {1, 2, 3})]
)
def test_counters_without_a_lock_end_at_exactly_these_values(n, k, values):
    # With k=2 never at 1: the thread that writes last has written, or read, after its own first.
    assert set(explored(counter(n, k)).outcomes) == values


# -- what adds no execution -------------------------------------------------------------------


def test_threads_that_share_nothing_need_one_execution():
    def program():
        def work():
            place = Place()
            place.x = 0
            for i in range(3):
                place.x += i

        in_threads(work, work, work)

    assert explored(program).executions == 1


# -- pitfalls ---------------------------------------------------------------------------------


def test_an_empty_critical_section_does_not_hide_who_was_first():
    # y = 8; with lock: pass  beside  with lock: pass; r = y. Two orders of the lock, and where the
    # reader took it first, the read comes before or after the write.
    def program():
        place, lock = Place(), threading.Lock()
        place.y = 0

        def write():
            place.y = 8
            with lock:
                pass

        def read():
            with lock:
                pass
            return place.y

        return run_threads(write, read)[1]

    report = explored(program)
    assert set(report.outcomes) == {0, 8}
    assert report.executions == 3


def try_to_get(queue):
    try:
        return queue.get_nowait()
    except Empty:
        return None


def test_a_put_beside_a_try_to_get_may_come_first_or_second():
    def program():
        queue = Queue()
        return run_threads(lambda: queue.put(1), lambda: try_to_get(queue))[1]

    report = explored(program)
    assert set(report.outcomes) == {None, 1}
    assert report.executions == 2


def test_two_tries_that_fail_commute():
    # Main holds the lock: neither can succeed, and each only reads.
    def program():
        lock = threading.Lock()
        lock.acquire()
        return tuple(run_threads(*[lambda: lock.acquire(blocking=False)] * 2))

    report = explored(program)
    assert (set(report.outcomes), report.executions) == ({(False, False)}, 1)


def waiters():
    # Both wait for ever, in the order in which they took the lock.
    condition = threading.Condition()

    def wait():
        with condition:
            condition.wait()

    in_threads(wait, wait)


def taken_once():
    lock, seen = threading.RLock(), []

    def enter(name):
        with lock:
            seen.append(name)

    beside = threading.Thread(target=enter, args=("a",))
    beside.start()
    enter("b")
    beside.join()
    return "".join(seen)


def taken_again():
    lock, seen = threading.RLock(), []

    def enter(name):
        with lock, lock:
            seen.append(name)

    beside = threading.Thread(target=enter, args=("a",))
    beside.start()
    enter("b")
    beside.join()
    return "".join(seen)


def empty_tries():
    queue = Queue()
    return tuple(run_threads(*[lambda: try_to_get(queue)] * 2))


@pytest.mark.parametrize(
    ("program", "executions", "blocked", "outcomes"),
    [
        pytest.param(waiters, 0, 2, set(), id="two wait on one condition"),
        # By its owner: that is nobody else's business, and adds nothing.
        pytest.param(taken_once, 2, 0, {"ab", "ba"}, id="a lock taken once"),
        pytest.param(taken_again, 2, 0, {"ab", "ba"}, id="an RLock taken again"),
        pytest.param(empty_tries, 1, 0, {(None, None)}, id="two tries that find nothing"),
    ],
)
def test_what_is_local_or_only_looks_adds_no_order(program, executions, blocked, outcomes):
    report = explored(program)
    brute = interleave.check(program, strategy="dfs", keep_going=True)
    assert brute.exhaustive
    assert (report.executions, report.blocked) == (executions, blocked)
    assert set(report.outcomes) == set(brute.outcomes) == outcomes
    assert {failure.message for failure in report.failures} == {
        failure.message for failure in brute.failures
    }


def test_an_operation_that_is_still_blocked_at_the_end_races_too():
    # One thread takes x twice, the other once: whoever is first, somebody waits for ever.
    def program():
        lock = threading.Lock()

        def twice():
            lock.acquire()
            lock.acquire()

        in_threads(twice, lock.acquire)

    report = explored(program)
    assert (report.executions, report.blocked) == (0, 2)


def test_a_wake_up_depends_on_the_notification_that_woke_it_alone():
    # A producer, a consumer, room for 2, two conditions on one lock.
    def pipeline(items):
        def program():
            place, lock = Place(), threading.Lock()
            room, filled = threading.Condition(lock), threading.Condition(lock)
            place.n = 0

            def produce():
                for _ in range(items):
                    with lock:
                        while place.n == 2:
                            room.wait()
                        place.n += 1
                        filled.notify()

            def consume():
                for _ in range(items):
                    with lock:
                        while place.n == 0:
                            filled.wait()
                        place.n -= 1
                        room.notify()

            in_threads(produce, consume)

        return program

    assert explored(pipeline(2)).executions == 6
    assert explored(pipeline(3)).executions == 24


def test_a_flag_set_without_the_lock_makes_three_traces():
    # The notifier takes the lock first (its flag is seen), or second: the flag is seen, or not
    # and the waiter is woken.
    def program():
        place, condition = Place(), threading.Condition(threading.Lock())
        place.flag = 0

        def wait():
            with condition:
                if place.flag == 0:
                    condition.wait()

        def tell():
            place.flag = 1
            with condition:
                condition.notify()

        in_threads(wait, tell)

    report = explored(program)
    assert (report.executions, report.blocked) == (3, 0)


def test_releases_of_a_semaphore_commute():
    def program():
        semaphore = threading.Semaphore(0)
        in_threads(semaphore.release, semaphore.release, semaphore.release)
        return [semaphore.acquire(blocking=False) for _ in range(4)]

    assert explored(program).executions == 1


def test_releases_of_a_bounded_semaphore_do_not_commute():
    # The third is one too many, whoever comes third: each of the 3! orders is a trace.
    def program():
        semaphore = threading.BoundedSemaphore(2)
        semaphore.acquire()
        semaphore.acquire()
        refused = [False, False, False]

        def release(index):
            try:
                semaphore.release()
            except ValueError:
                refused[index] = True

        in_threads(*[lambda index=index: release(index) for index in range(3)])
        return tuple(refused)

    report = explored(program)
    assert (report.executions, report.redundant) == (6, 0)
    assert set(report.outcomes) == {
        (True, False, False),
        (False, True, False),
        (False, False, True),
    }


def test_put_and_get_depend_on_each_other_only_if_about_one_item_or_its_room():
    def pipeline(items, room):
        def program():
            queue = Queue(room)

            def produce():
                for i in range(items):
                    queue.put(i)

            def consume():
                return [queue.get() for _ in range(items)]

            return tuple(run_threads(produce, consume)[1])

        return program

    for items, room in ((2, 0), (3, 1), (3, 2)):
        report = explored(pipeline(items, room))
        assert (report.executions, set(report.outcomes)) == (1, {tuple(range(items))})


def test_daemons_are_cut_off_wherever_they_are():
    # The end of main comes before the daemon begins, after, after its write, or after its end.
    def program():
        place = Place()
        threading.Thread(target=lambda: setattr(place, "x", 1), daemon=True).start()

    assert explored(program).executions == 4


def test_every_value_of_a_choice_is_tried_in_every_trace():
    def program():
        place = Place()
        place.x = 0

        def write():
            place.x = interleave.choose([1, 2])

        return run_threads(write, lambda: place.x)[1]

    report = explored(program)
    assert set(report.outcomes) == {0, 1, 2}
    assert report.executions == 4


def test_the_end_of_main_is_seen_or_not():
    def program():
        seen = []
        main = threading.current_thread()
        thread = threading.Thread(target=lambda: seen.append(main.is_alive()))
        thread.start()
        time.sleep(0)
        return seen

    assert {tuple(value) for value in explored(program).outcomes} == {(True,), (False,)}


@pytest.mark.parametrize("time", ["free", "idle"])
def test_the_end_of_main_is_a_point_of_its_own(time):
    def program():
        seen = []
        main = threading.main_thread()

        def look():
            seen.append(main.is_alive())
            seen.append(main.is_alive())

        threading.Thread(target=look).start()
        return seen

    report = explored(program, time=time)
    assert {tuple(value) for value in report.outcomes} == {
        (True, True),
        (True, False),
        (False, False),
    }
    assert report.executions == 3


def test_the_end_of_main_adds_nothing_where_nobody_looks():
    def program():
        lock = threading.Lock()

        def work():
            with lock:
                pass

        threading.Thread(target=work).start()
        with lock:
            pass

    assert explored(program).executions == 2


def test_a_builtin_method_as_target_of_a_thread_is_an_access():
    assert set(explored(race).outcomes) == {"ab", "ba"}


@pytest.mark.parametrize("mode", ["idle", "free"])
def test_a_lock_that_two_wait_for_with_a_timeout_goes_to_either(mode):
    def program():
        lock = threading.Lock()
        return tuple(run_threads(*[lambda: lock.acquire(timeout=1)] * 2))

    assert set(explored(program, time=mode).outcomes) == {(True, False), (False, True)}


def test_at_granularity_sync_the_reduction_claims_nothing():
    report = interleave.check(counter(2, 1), strategy="dpor", granularity="sync")
    assert not report.exhaustive
    assert "not-exhaustive" in {warning.kind for warning in report.warnings}


def test_the_step_bound_may_cut_an_execution_anywhere():
    def program():
        place = Place()
        in_threads(lambda: setattr(place, "x", 1), lambda: setattr(place, "x", 2))

    longest = interleave.check(program).steps_max
    for steps in range(1, longest + 1):
        report = interleave.check(program, max_steps=steps)
        assert report.verdict == ("pass" if steps == longest else "incomplete")
