"""Loops that only wait take few executions, and a livelock is a failure with its line."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, Queue

import pytest

import interleave
from interleave import run_threads


class Place:
    """Something with attributes."""

    def __init__(self, **values):
        self.__dict__.update(values)


def explored(program, **options):
    report = interleave.check(program, keep_going=True, **options)
    assert report.redundant == 0
    assert report.exhaustive, report.reasons
    return report


def beside(function, *others):
    """Run functions in threads, and the first one in main."""
    threads = [threading.Thread(target=other) for other in others]
    for thread in threads:
        thread.start()
    function()
    for thread in threads:
        thread.join()


def line_of(function, text):
    """Return the place of a line of a program."""
    code = function.__code__
    lines = Path(code.co_filename).read_text("utf-8").splitlines()
    start = code.co_firstlineno - 1
    number = next(at for at in range(start, len(lines)) if text in lines[at]) + 1
    return f":{number}"


# -- waiting for something that comes -------------------------------------------------------------


def test_with_the_gil_a_loop_is_judged_by_rounds_that_look_for_themselves():
    def program():
        done = False

        def finish():
            nonlocal done
            done = True

        threading.Thread(target=finish).start()
        while not done:  # what this reads belongs to one event with the first round of the loop
            pass
        return done

    assert list(explored(program, atomicity="gil").outcomes) == [True]


@pytest.mark.parametrize("pause", [None, 0, 0.01])
@pytest.mark.parametrize("strategy", ["dpor", "dfs"])
def test_a_flag_that_another_thread_sets_can_be_polled(pause, strategy):
    def program():
        place = Place(flag=False, value=0)

        def publish():
            place.value = 42
            place.flag = True

        def wait():
            while not place.flag:
                if pause is not None:
                    time.sleep(pause)
            return place.value

        threading.Thread(target=publish).start()
        return wait()

    report = explored(program, strategy=strategy)
    assert set(report.outcomes) == {42}
    if strategy == "dpor":
        # The flag is set before the first look, before the second, or while the loop waits.
        assert report.executions == 3


def test_a_flag_that_is_set_too_early_is_found_while_it_is_polled():
    def program():
        place = Place(flag=False, value=0)

        def publish():
            place.flag = True
            place.value = 42

        threading.Thread(target=publish).start()
        while not place.flag:
            pass
        return place.value

    assert set(explored(program).outcomes) == {0, 42}


@pytest.mark.parametrize("mode", ["free", "idle"])
def test_an_event_can_be_polled_with_sleeps(mode):
    def program():
        event = threading.Event()
        seen = []

        def wait():
            while not event.is_set():
                time.sleep(0.01)
            seen.append(1)

        beside(event.set, wait, wait)
        return len(seen)

    assert set(explored(program, time=mode).outcomes) == {2}


def test_a_timed_wait_can_be_tried_again_and_again():
    def program():
        event, queue, got = threading.Event(), Queue(), []

        def wait():
            while not event.wait(0.1):
                pass

        def get():
            while True:
                try:
                    got.append(queue.get(timeout=0.1))
                    return
                except Empty:
                    continue

        def give():
            queue.put(7)
            event.set()

        beside(give, wait, get)
        return got

    assert set(map(str, explored(program).outcomes)) == {"[7]"}


def test_the_end_of_threads_and_of_futures_can_be_polled():
    def program():
        threads = [threading.Thread(target=time.sleep, args=(1,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.1)
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(int, "3")
            while not future.done():
                time.sleep(0.1)
        return future.result()

    assert set(explored(program).outcomes) == {3}


@pytest.mark.parametrize("strategy", ["dpor", "dfs"])
def test_what_changes_between_two_looks_of_one_round_ends_the_waiting(strategy):
    def program():
        place = Place(flag=False)
        threading.Thread(target=lambda: setattr(place, "flag", True)).start()
        while True:
            if place.flag:
                break
            str(place.flag)
        return place.flag

    assert set(explored(program, strategy=strategy).outcomes) == {True}


@pytest.mark.parametrize("strategy", ["dpor", "dfs"])
def test_what_code_of_the_program_changes_inside_an_operation_ends_the_waiting(strategy):
    class Shelf(Queue):
        last = None

        def _put(self, item):
            super()._put(item)
            self.last = item

    def program():
        shelf = Shelf()
        threading.Thread(target=shelf.put, args=(3,)).start()
        while shelf.last is None:
            pass
        return shelf.last

    assert set(explored(program, strategy=strategy).outcomes) == {3}


@pytest.mark.parametrize(("threads", "executions"), [(2, 6), (3, 180)])
@pytest.mark.parametrize("pause", [None, 0.01])
def test_a_lock_can_be_tried_in_a_loop(threads, executions, pause):
    def program():
        place, lock = Place(count=0), threading.Lock()

        def work():
            while not lock.acquire(blocking=False):
                if pause is not None:
                    time.sleep(pause)
            count = place.count
            place.count = count + 1
            lock.release()

        run_threads(*[work] * threads)
        return place.count

    report = explored(program)
    assert set(report.outcomes) == {threads}
    assert report.executions == executions


def test_a_flag_can_be_polled_under_a_lock():
    def program():
        place, lock, tried = Place(flag=False), threading.Lock(), []

        def wait():
            while True:
                with lock:
                    if place.flag:
                        break
                time.sleep(0.1)

        def look():
            for _ in range(2):
                tried.append(lock.acquire(blocking=False))
                if tried[-1]:
                    lock.release()

        def set_flag():
            with lock:
                place.flag = True

        beside(set_flag, wait, look)
        return tuple(tried)

    # The lock may be found taken by either of the others, as often as it is tried.
    assert set(explored(program).outcomes) == {(a, b) for a in (True, False) for b in (True, False)}


def test_rounds_that_others_look_at_are_tried_again():
    def program():
        place, outer, inner, tried = Place(flag=False), threading.Lock(), threading.Lock(), []

        def wait():
            while True:
                with outer, inner:
                    if place.flag:
                        break

        def look():
            for _ in range(2):
                tried.append(inner.acquire(blocking=False))
                if tried[-1]:
                    inner.release()
                with outer:  # what was seen of one round is not what is seen of the next
                    pass

        waiting = threading.Thread(target=wait)
        waiting.start()
        look()
        place.flag = True
        waiting.join()
        return tuple(tried)

    assert set(explored(program).outcomes) == {(a, b) for a in (True, False) for b in (True, False)}


def ticket_lock(threads, rounds):
    def program():
        place, lock = Place(next=0, serving=0, count=0), threading.Lock()

        def work():
            for _ in range(rounds):
                with lock:
                    mine = place.next
                    place.next = mine + 1
                while place.serving != mine:
                    pass
                count = place.count
                place.count = count + 1
                place.serving = mine + 1

        run_threads(*[work] * threads)
        return place.count

    return program


@pytest.mark.parametrize(("threads", "rounds", "count"), [(2, 1, 2), (3, 1, 3), (2, 2, 4)])
def test_a_ticket_lock_excludes(threads, rounds, count):
    assert set(explored(ticket_lock(threads, rounds)).outcomes) == {count}


def peterson(*, swapped, pause=None):
    def program():
        place = Place(wants_0=False, wants_1=False, turn=0, count=0)

        def work(me, other):
            if swapped:
                place.turn = other
                setattr(place, f"wants_{me}", True)
            else:
                setattr(place, f"wants_{me}", True)
                place.turn = other
            while getattr(place, f"wants_{other}") and place.turn == other:
                if pause is not None:
                    time.sleep(pause)
            count = place.count
            place.count = count + 1
            setattr(place, f"wants_{me}", False)

        run_threads(lambda: work(0, 1), lambda: work(1, 0))
        return place.count

    return program


@pytest.mark.parametrize("pause", [None, 0.001])
def test_petersons_algorithm_excludes(pause):
    assert set(explored(peterson(swapped=False, pause=pause)).outcomes) == {2}


def test_petersons_algorithm_with_its_two_writes_swapped_does_not():
    assert set(explored(peterson(swapped=True)).outcomes) == {1, 2}


def test_a_daemon_may_go_round_for_ever():
    def program():
        place = Place(value=0)

        def beat():
            while True:
                time.sleep(1)

        def watch():
            while True:
                if place.value == 3:
                    place.value = 4

        for function in (beat, watch):
            threading.Thread(target=function, daemon=True).start()
        place.value = 3
        return place.value

    assert set(explored(program).outcomes) == {3, 4}


# -- waiting for what never comes -----------------------------------------------------------------


def the_failure(report):
    assert report.verdict == "fail"
    assert len(report.failures) == 1
    return report.failures[0]


@pytest.mark.parametrize("pause", [None, 0.01])
@pytest.mark.parametrize("mode", ["free", "idle"])
def test_a_flag_that_nobody_sets_is_a_livelock_with_its_line(pause, mode):
    def wait(place):
        while not place.flag:
            if pause is not None:
                time.sleep(pause)

    def program():
        place = Place(flag=False)
        thread = threading.Thread(target=wait, args=(place,))
        thread.start()
        thread.join()

    report = explored(program, time=mode)
    failure = the_failure(report)
    assert failure.kind == "livelock"
    assert failure.location.endswith(line_of(wait, "while not place.flag"))
    assert failure.message == (
        "main waits for main.0 to end (join); "
        "main.0 waits for a change of Place#1.flag, going round in a loop"
    )
    assert report.blocked == 1
    assert "nobody is left who could change what main.0 looks at" in failure.detail
    with pytest.raises(AssertionError, match="livelock"):
        report.raise_for_failure()
    assert interleave.replay(program, failure.schedule).failures[0].kind == "livelock"


@pytest.mark.parametrize("mode", ["free", "idle"])
@pytest.mark.parametrize("pauses", [(None, None), (None, 0.1), (0.1, 0.2)])
def test_two_threads_that_wait_for_each_other_in_loops_are_a_livelock(pauses, mode):
    def program():
        place = Place(one=False, other=False)

        def first():
            while not place.other:
                if pauses[0] is not None:
                    time.sleep(pauses[0])
            place.one = True

        def second():
            while not place.one:
                if pauses[1] is not None:
                    time.sleep(pauses[1])
            place.other = True

        run_threads(first, second)

    failure = the_failure(explored(program, time=mode))
    assert failure.kind == "livelock"
    assert failure.location.endswith(line_of(program, "while not place.other"))


def test_a_livelock_that_only_some_orders_lead_to_is_found():
    def program():
        event = threading.Event()

        def work():
            event.clear()
            while not event.is_set():
                time.sleep(0.1)

        beside(event.set, work)
        return "ended"

    report = explored(program)
    assert set(report.outcomes) == {"ended"}
    assert the_failure(report).kind == "livelock"


def test_threads_that_block_beside_one_that_goes_round_are_part_of_the_livelock():
    def program():
        place, lock = Place(flag=False), threading.Lock()

        def spin():
            with lock:
                while not place.flag:
                    pass

        def set_flag():
            with lock:
                place.flag = True

        run_threads(spin, set_flag)

    report = explored(program)
    assert the_failure(report).kind == "livelock"
    assert "main.1 waits for Lock#1" in report.failures[0].message
    assert report.executions == 1  # the flag is set first


@pytest.mark.parametrize(("mode", "pause"), [("free", None), ("free", 0.1), ("idle", 0.1)])
def test_loops_that_look_under_a_lock_at_what_nobody_changes_are_a_livelock(mode, pause):
    def program():
        place, lock = Place(flag=False), threading.Lock()

        def wait():
            while True:
                with lock:
                    if place.flag:
                        break
                if pause is not None:
                    time.sleep(pause)

        def clear():
            with lock:
                place.flag = False

        run_threads(wait, wait, clear)

    failure = the_failure(explored(program, time=mode))
    assert failure.kind == "livelock"
    assert "main.0 waits for a change of Place#1.flag, going round in a loop" in failure.message


def test_a_loop_that_does_nothing_at_all_is_a_livelock_and_no_hang():
    def program():
        def spin():
            while True:
                pass

        beside(lambda: None, spin)

    failure = the_failure(explored(program))
    assert failure.kind == "livelock"
    assert "a change of nothing at all" in failure.message


# -- what is no waiting ---------------------------------------------------------------------------


def test_a_loop_that_makes_progress_for_ever_ends_at_the_step_bound():
    def program():
        place = Place(count=0, flag=False)

        def work():
            while not place.flag:
                place.count += 1

        beside(lambda: None, work)

    report = interleave.check(program, max_steps=100)
    assert report.verdict == "incomplete"
    assert not report.failures


def test_a_lock_that_is_tried_in_vain_for_ever_ends_at_the_step_bound():
    def program():
        place, lock = Place(flag=False), threading.Lock()

        def look():
            while True:
                with lock:
                    if place.flag:
                        break

        def take():
            while not lock.acquire(blocking=False):
                pass
            place.flag = True
            lock.release()

        run_threads(look, take)

    # Each try may fall into a round of the other: that can go on for ever, and it is no livelock.
    report = interleave.check(program, max_steps=60, executions=500)
    assert report.verdict == "incomplete"
    assert not report.failures


def test_a_loop_that_counts_its_rounds_gives_up_after_as_many():
    def program():
        place = Place(flag=False)

        def work():
            left = 30
            while left and not place.flag:
                left -= 1
            return left

        threading.Thread(target=lambda: setattr(place, "flag", True)).start()
        return work()

    assert set(explored(program).outcomes) == set(range(31))


def test_a_loop_with_a_deadline_ends_at_it():
    def program():
        place = Place(flag=False)
        threading.Thread(target=lambda: setattr(place, "flag", True)).start()
        end = time.monotonic() + 1
        while not place.flag and time.monotonic() < end:
            time.sleep(0.5)
        return place.flag

    assert set(explored(program).outcomes) == {False, True}
    assert set(explored(program, time="idle").outcomes) == {True}


def test_a_sleeper_who_polls_lets_the_clock_move_for_others():
    def program():
        place = Place(flag=False)

        def set_late():
            time.sleep(1)
            place.flag = True

        threading.Thread(target=set_late).start()
        rounds = 0
        while not place.flag:
            time.sleep(0.3)
            rounds += 1
        return rounds, round(time.monotonic() - 1000, 1)

    assert set(explored(program, time="idle").outcomes) == {(4, 1.2)}


def test_a_sleeper_who_polls_looks_when_its_time_has_come_and_not_before():
    def program():
        place = Place(flag=False, value=0)

        def set_late():
            time.sleep(1)
            place.flag = True

        def write_later():
            time.sleep(1.1)
            place.value = 1

        for function in (set_late, write_later):
            threading.Thread(target=function).start()
        while not place.flag:
            time.sleep(0.3)  # it is seen after 1.2 seconds
        return place.value

    assert set(explored(program, time="idle").outcomes) == {1}


def test_a_round_with_a_choice_may_be_another_one_the_next_time():
    def program():
        place = Place(value=0)
        threading.Thread(target=lambda: setattr(place, "value", 1)).start()
        rounds = 0
        while not interleave.choose([False, True]):
            if place.value:
                rounds = 1
        return rounds

    report = interleave.check(program, max_steps=40, executions=300)
    assert {0, 1} <= set(report.outcomes)
    assert not report.failures


def test_who_polls_without_a_sleep_lets_the_clock_move_for_others():
    def program():
        place = Place(flag=False)

        def set_late():
            time.sleep(1)
            place.flag = True

        threading.Thread(target=set_late).start()
        while not place.flag:
            pass
        return time.monotonic() - 1000

    assert set(explored(program, time="idle").outcomes) == {1.0}


# -- what cannot be known -------------------------------------------------------------------------


def test_times_after_a_loop_that_sleeps_are_not_all_tried_and_that_is_said():
    def program():
        place = Place(flag=False)
        threading.Thread(target=lambda: setattr(place, "flag", True)).start()
        start = time.monotonic()
        while not place.flag:
            time.sleep(0.5)
        return time.monotonic() - start

    report = interleave.check(program)
    assert report.verdict == "incomplete"
    assert not report.exhaustive
    assert len(report.reasons) == 1
    assert "other times are possible" in report.reasons[0]
    assert line_of(program, "return time.monotonic() - start") in report.reasons[0]


def test_a_change_that_is_not_seen_makes_no_livelock_and_is_said():
    def program():
        def work():
            threading.current_thread().name = "ready"  # a property of the standard library

        thread = threading.Thread(target=work, name="new")
        thread.start()
        place = Place(looked=0)
        while thread.name != "ready":
            if place.looked:
                break
        return thread.name

    report = interleave.check(program, keep_going=True)
    assert not report.failures
    assert set(report.outcomes) == {"ready"}
    assert report.verdict == "incomplete"
    assert "something else that is not seen decides" in report.reasons[0]


def test_where_plain_accesses_are_not_seen_nothing_is_taken_for_waiting():
    def program():
        tries = []
        event = threading.Event()
        threading.Thread(target=event.set).start()
        while not event.is_set() and len(tries) < 2:
            tries.append(None)
        return len(tries)

    assert set(explored(program, granularity="sync").outcomes) == {0, 1, 2}


def test_sampling_meets_loops_that_wait_like_every_strategy():
    def program():
        place = Place(flag=False)
        threading.Thread(target=lambda: setattr(place, "flag", True)).start()
        while not place.flag:
            pass
        return place.flag

    report = interleave.check(program, strategy="random", executions=50, max_steps=30)
    assert report.verdict == "pass"
    assert report.steps_max < 30
