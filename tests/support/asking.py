"""A reduction that notes what it is asked; to be left out of instrumentation, as ours is."""

from interleave.strategies.dpor import OptimalReduction


class Asked(OptimalReduction):
    """Notes the events before which it was asked who goes on, and where its scripts end."""

    def __init__(self, mode="free"):
        super().__init__(mode)
        self.asked = []
        self.lengths = []

    def begin(self):
        going = super().begin()
        self.asked.append([])
        self.lengths.append(self.script.upto)
        return going

    def choose(self, options, stays):
        self.asked[-1].append(len(self.events))
        return super().choose(options, stays)
