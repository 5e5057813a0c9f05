"""The ledger: every customer's diary, and from them the true value of each indicator."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from zoneinfo import ZoneInfo

from stream.json_text import json_text
from stream.simulate.diary import MINUTE_MS, Diary
from stream.simulate.truth.activity import activity
from stream.simulate.truth.attendance import attendances
from stream.simulate.truth.churn_risk import churn_risk
from stream.simulate.truth.clicks import clicks
from stream.simulate.truth.complete_days import complete_days
from stream.simulate.truth.content import content
from stream.simulate.truth.definitions import Definitions
from stream.simulate.truth.first_week import first_week
from stream.simulate.truth.moment import Moment
from stream.simulate.truth.retention import retention
from stream.simulate.truth.risk_grades import risk_grades
from stream.simulate.truth.samples import Sample, Samples, Value
from stream.simulate.truth.surveys import surveys
from stream.simulate.truth.visits import visits


class Ledger:
    """Knows nothing of events, batches or stored state, hence a witness against all of them."""

    def __init__(self) -> None:
        self._diaries: dict[str, list[Diary]] = defaultdict(list)

    def new_diary(self, product: str, user_id: str) -> Diary:
        """For one more customer of the product."""
        diary = Diary(user_id)
        self._diaries[product].append(diary)
        return diary

    @property
    def newest_ms(self) -> int | None:
        """When anybody last did anything; None when nobody did."""
        moments = (diary.deeds[-1].at_ms for diaries in self._diaries.values() for diary in diaries if diary.deeds)
        return max(moments, default=None)

    def truth(self, at: datetime, zone: ZoneInfo, definitions: Definitions) -> dict[Sample, Value]:
        """Every sample that should be shown at `at`, which must not lie before the newest deed (to the minute)."""
        moment = Moment(at, zone)
        found: dict[Sample, Value] = {}
        for product, diaries in self._diaries.items():
            written = [diary for diary in diaries if diary.deeds]
            if written:
                samples = _of_product(product, written, moment, definitions)
                found |= {(name, labels | {("product", product)}): value for (name, labels), value in samples.items()}
        return found

    def report(self, at: datetime, zone: ZoneInfo, definitions: Definitions) -> str:
        """The truth as JSON, in the form of `assidu report --format json`."""
        truth = self.truth(at, zone, definitions)
        in_order = sorted((name, sorted(labels)) for name, labels in truth)
        lines = [
            {"name": name, "labels": dict(labels), "value": truth[name, frozenset(labels)]}
            for name, labels in in_order
        ]
        return json_text({"at": at.isoformat(), "metrics": lines})


def _of_product(product: str, diaries: list[Diary], moment: Moment, definitions: Definitions) -> Samples:
    attended, first_week_days = attendances(diaries, moment), definitions.first_week_days
    return {
        **activity(diaries, moment),
        **complete_days(attended, moment),
        **first_week(attended, moment, first_week_days),
        **retention(attended, moment, definitions.retention_days),
        **churn_risk(diaries, moment, first_week_days, definitions.segment),
        **risk_grades(product, diaries, moment, first_week_days),
        **clicks(diaries, moment),
        **content(diaries, moment),
        **surveys(diaries, moment, definitions.csat_7_from),
        **visits(diaries, moment, definitions.visit_gap_minutes * MINUTE_MS),
    }
