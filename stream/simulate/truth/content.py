"""Content: who acted on it, of those who saw it."""

from __future__ import annotations

from stream.simulate.diary import Diary
from stream.simulate.truth.moment import WINDOWS, Moment
from stream.simulate.truth.samples import Samples, sample, share


def content(diaries: list[Diary], moment: Moment) -> Samples:
    """For every content and action that ever was."""
    samples: Samples = {}
    for piece, action in {(each.content, each.action) for diary in diaries for each in diary.actions}:
        for window in WINDOWS:
            labels = {"content": piece, "action": action, "window": window}
            acted, reached, impressions = [], 0, 0
            for diary in diaries:
                exposures = [each for each in moment.within(diary.exposures, window) if each.content == piece]
                actions = [each for each in moment.within(diary.actions, window) if each.content == piece]
                acted.append(sum(each.action == action for each in actions))
                reached += bool(exposures or actions)
                impressions += sum(not exposure.clicked for exposure in exposures)
            samples[sample("interactions", **labels)] = sum(acted)
            samples[sample("action_ratio", basis="events", **labels)] = share(sum(acted), impressions)
            samples[sample("action_ratio", basis="customers", **labels)] = share(sum(map(bool, acted)), reached)
            samples[sample("action_ratio", basis="per_exposed", **labels)] = share(sum(acted), reached)
    return samples
