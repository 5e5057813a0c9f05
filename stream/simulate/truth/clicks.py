"""Click-through: what was shown, what of it was clicked, and by how many of those who saw it."""

from __future__ import annotations

from collections.abc import Callable

from stream.simulate.diary import Diary, Exposure
from stream.simulate.truth.moment import WINDOWS, Moment
from stream.simulate.truth.samples import Samples, sample, share

Which = Callable[[Exposure], bool]


def clicks(diaries: list[Diary], moment: Moment) -> Samples:
    exposures = [exposure for diary in diaries for exposure in diary.exposures]
    samples = _clickthrough(diaries, moment, lambda _: True)
    for channel in {exposure.channel for exposure in exposures}:
        samples |= _clickthrough(diaries, moment, _on(channel), "_by_channel", channel=channel)
    for campaign in {exposure.campaign for exposure in exposures}:
        name = campaign or "none"
        samples |= _clickthrough(diaries, moment, _of(campaign), "_by_campaign", campaign=name)
        own = [exposure for exposure in exposures if exposure.campaign == campaign]
        for window in WINDOWS:
            clicked = [exposure.clicked for exposure in moment.within(own, window)]
            samples[sample("clicks", campaign=name, window=window)] = clicked.count(True)
            samples[sample("impressions", campaign=name, window=window)] = clicked.count(False)
    return samples


def _on(channel: str) -> Which:
    return lambda exposure: exposure.channel == channel


def _of(campaign: str | None) -> Which:
    return lambda exposure: exposure.campaign == campaign


def _clickthrough(diaries: list[Diary], moment: Moment, which: Which, twin: str = "", **labels: str) -> Samples:
    samples: Samples = {}
    for window in WINDOWS:
        # Of each customer: for each exposure, whether it was a click.
        seen = [[each.clicked for each in moment.within(diary.exposures, window) if which(each)] for diary in diaries]
        clicked, shown = sum(own.count(True) for own in seen), sum(own.count(False) for own in seen)
        bases = {
            "events": share(clicked, shown),
            "customers": share(sum(any(own) for own in seen), sum(bool(own) for own in seen)),
        }
        for basis, value in bases.items():
            samples[sample(f"clickthrough{twin}_ratio", window=window, basis=basis, **labels)] = value
    return samples
