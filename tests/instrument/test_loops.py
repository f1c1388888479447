"""Which loops of a function may come round to where they were, and what they store."""

from bytecode import Bytecode

from interleave.instrument.loops import loops_of


def found_in(function):
    """Return for each loop the variables that it stores, in the order of the loops."""
    code = function.__code__
    source = Bytecode.from_code(code, conserve_exception_block_stackdepth=True)
    return [found.loop.stored for found in loops_of(source, code)]


def test_a_while_loop_is_found_with_the_variables_that_it_stores():
    def function(a):
        before = 1
        while a.flag:
            inside = a.value
            other, _ = inside
            del other
        after = 2
        return before, after

    assert found_in(function) == [("_", "inside", "other")]


def test_a_for_loop_is_none_and_one_inside_is_of_the_round():
    def function(a):
        for _ in a:
            pass
        while a.flag:
            for item in a:
                print([one + 1 for one in item])

    stored = found_in(function)
    assert len(stored) == 1
    assert "item" in stored[0]


def test_each_loop_of_several_is_found():
    def function(a):
        for item in a:
            while item.one:
                while item.two:
                    two = 1
                one = 2
        return one, two

    assert sorted(found_in(function)) == [("one", "two"), ("two",)]


def test_the_handler_of_an_exception_belongs_to_the_loop_that_it_goes_back_to():
    def function(a):
        while True:
            try:
                got = a.get()
                break
            except ValueError as error:
                last = error
        return got, last

    # What is stored only on the way out is not stored in a round.
    (stored,) = set(found_in(function))
    assert "last" in stored


def test_a_jump_back_from_a_handler_into_the_middle_makes_no_loop():
    def function(a):
        for _ in a:
            try:
                a.get()
            except ValueError:
                pass
            a.put()

    assert found_in(function) == []


def test_loops_that_hand_over_are_left_out():
    def generator(a):
        while a.flag:
            yield a.value

    async def coroutine(a):
        while a.flag:
            await a.value

    def whole_between_two(a):
        yield 1
        while a.flag:
            pass
        yield 2

    assert found_in(generator) == []
    assert found_in(coroutine) == []
    assert found_in(whole_between_two) == [()]


def test_loops_whose_variables_the_function_looks_at_itself_are_left_out():
    def function(a):
        while a.flag:
            value = a.value
            print(locals(), value)

    assert found_in(function) == []


def test_the_body_of_a_module_stores_names():
    code = compile("n = 0\nwhile n < 3:\n    n += 1\n", "<test>", "exec")
    source = Bytecode.from_code(code, conserve_exception_block_stackdepth=True)
    assert [found.loop.stored for found in loops_of(source, code)] == [("n",)]
