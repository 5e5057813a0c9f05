"""The first week: which new customers came on enough of their first seven days."""

from __future__ import annotations

from stream.simulate.truth.attendance import Attendance, cohort
from stream.simulate.truth.moment import Moment
from stream.simulate.truth.samples import Samples, sample, share

LAST_DAY = 6


def first_week(attended: list[Attendance], moment: Moment, enough_days: int) -> Samples:
    over = cohort(attended, LAST_DAY, moment)
    going_on = [each for each in attended if each.first_day + LAST_DAY >= moment.today]
    samples: Samples = {}
    for name, customers in (("first_week", over), ("first_week_in_progress", going_on)):
        samples |= _engaged(name, customers, enough_days)
        for channel in {channel for each in attended for channel in each.channels}:
            there = [each for each in customers if each.first_channel == channel]
            samples |= _engaged(f"{name}_by_channel", there, enough_days, channel=channel)
    for days in range(1, LAST_DAY + 2):
        often = sum(each.first_week_days == days for each in over)
        samples[sample("first_week_active_days_customers", days=days)] = often
    return samples


def _engaged(name: str, customers: list[Attendance], enough_days: int, **labels: str) -> Samples:
    engaged = sum(each.first_week_days >= enough_days for each in customers)
    return {
        sample(f"{name}_ratio", **labels): share(engaged, len(customers)),
        sample(f"{name}_customers", **labels): len(customers),
    }
