"""Activity: who was there, and how much they did."""

from __future__ import annotations

from collections import Counter

from stream.simulate.diary import Diary
from stream.simulate.truth.moment import WINDOWS, Moment
from stream.simulate.truth.samples import Samples, sample, share


def activity(diaries: list[Diary], moment: Moment) -> Samples:
    samples = _active(last_active(diaries), moment)
    for channel in {deed.channel for diary in diaries for deed in diary.deeds if deed.active}:
        samples |= _active(last_active(diaries, channel), moment, "_by_channel", channel=channel)
    return samples | _volume(diaries, moment)


def last_active(diaries: list[Diary], channel: str | None = None) -> list[int]:
    """Of every customer ever active (there), the moment of its last activity."""
    moments = (
        [deed.at_ms for deed in diary.deeds if deed.active and channel in (None, deed.channel)] for diary in diaries
    )
    return [max(active) for active in moments if active]


def _active(last: list[int], moment: Moment, twin: str = "", **labels: str) -> Samples:
    active = {window: sum(moment.saw_active(at_ms, window) for at_ms in last) for window in WINDOWS}
    samples: Samples = {
        sample(f"active{twin}_customers", window=window, **labels): customers for window, customers in active.items()
    }
    samples[sample(f"stickiness{twin}_ratio", **labels)] = share(active["24h"], active["30d"])
    samples[sample(f"stickiness_weekly{twin}_ratio", **labels)] = share(active["7d"], active["30d"])
    return samples


def _volume(diaries: list[Diary], moment: Moment) -> Samples:
    deeds = [deed for diary in diaries for deed in diary.deeds]
    last = last_active(diaries)
    samples: Samples = {}
    for window in WINDOWS:
        counted = moment.within(deeds, window)
        numbers = Counter(deed.type for deed in counted)
        for type_ in {deed.type for deed in deeds}:
            samples[sample("events", type=type_, window=window)] = numbers[type_]
        active = sum(moment.saw_active(at_ms, window) for at_ms in last)
        samples[sample("events_per_customer", window=window)] = share(sum(deed.active for deed in counted), active)
    return samples
