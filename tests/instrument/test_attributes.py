"""The hooks on attributes, in a module in which nothing looks into the dictionary of an object."""

import threading

import interleave


class Box:
    pass


def test_a_new_attribute_is_one_location_where_nobody_looks_which_there_are(performed):
    def set_new(box):
        box.new = 1

    def program():
        thread = threading.Thread(target=set_new, args=(Box(),))
        thread.start()
        thread.join()

    report = interleave.check(program, granularity="memory", strategy="random", executions=1)
    assert report.verdict == "pass"
    assert {tuple(told.true) for told in performed} == {(("write", ".new"),)}
