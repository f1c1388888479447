"""Shared memory of random programs: the one part of them whose accesses are schedule points."""


class Cell:
    """A place to read and write."""

    def __init__(self):
        self.value = 0


def read(cell):
    return cell.value


def write(cell, value):
    cell.value = value


def await_change(cell):
    while not cell.value:
        pass


def add(cell, value):
    cell.value += value


shared = 0


def read_shared():
    return shared


def write_shared(value):
    global shared
    shared = value


def put_key(mapping, key, value):
    mapping[key] = value


def pop_key(mapping, key):
    return mapping.pop(key, None)


def get_key(mapping, key):
    return mapping.get(key)


def count_keys(mapping):
    return len(mapping)


def iterate(mapping):
    return [key for key in mapping]  # noqa: C416 - a step of the iterator is an access


def values(mapping):
    return list(mapping.values())


def get_item(items, index):
    return items[index]


def put_item(items, index, value):
    items[index] = value


def append(items, value):
    items.append(value)


def length(items):
    return len(items)


def get_last(items):
    return items[-1]


def put_last(items, value):
    items[-1] = value


def pop_last(items):
    return items.pop()


def insert_first(items, value):
    items.insert(0, value)


def delete_first(items):
    del items[0]


def holds(items, value):
    return value in items


def total(items):
    return sum(items)


def spread(items):
    return [*items]


def import_late():
    import met_late  # a first look, at a module that no program has yet

    return met_late


def delete_key(mapping, key):
    del mapping[key]


def set_default(mapping, key, value):
    return mapping.setdefault(key, value)


def sum_of_items(mapping):
    total = 0
    for _, value in mapping.items():  # noqa: PERF102 - the step through both is what is wanted
        total += value
    return total
