"""Risk timers under clocks that go wrong: every change of level is notified once, whatever owners and kills do."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from itertools import count
from math import ceil, log
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from redis.asyncio import Redis

from schemas.churn_risk import ChurnRisk
from stream.core.time import FAR_FUTURE
from stream.demo.embedded import EmbeddedRedis
from stream.indicators.churn.evidence import Scoring
from stream.indicators.churn.model import Coefficients
from stream.store.shard import DUE_FROM, LATEST
from tests.level_changes import HIGH, MEDIUM, silence_until
from tests.recount.churn_risk import DEFAULTS, LEVELS, base, reasons, subscription
from tests.recount.counted import CountedEvent, counted_event
from tests.shard_owner import DAY, HOUR, MINUTE, SCORING, SECOND, TEN, Risks, ShardOwner, event
from tests.trajectories import after

UTC_ZONE = ZoneInfo("UTC")
SET_BACK = 10 * MINUTE

_numbers = count()


@pytest.fixture
async def risks(redis_server: EmbeddedRedis) -> AsyncIterator[Risks]:
    async with Redis.from_url(redis_server.url) as redis:
        yield Risks(redis)


def crossing(user: str, threshold: float, moment: int, active_days: int = 3) -> list[dict[str, Any]]:
    """Logins of a customer who is at the threshold at the moment, or within the minute before it."""
    last = moment - ceil(silence_until(threshold, active_days) * SECOND / MINUTE) * MINUTE
    return [event("login", user, last - age * DAY) for age in range(active_days)]


def users(messages: list[ChurnRisk]) -> list[str]:
    return sorted(each.user_id or "" for each in messages)


async def test_who_is_folded_while_the_clock_is_set_back_over_a_full_hour_is_notified(risks: Risks) -> None:
    """The hour was evaluated; those who are put under it after that must not be forgotten with it."""
    owner = await ShardOwner.of(risks)
    await owner.fold(crossing("first", MEDIUM, TEN + 20 * MINUTE), TEN - MINUTE)
    await owner.evaluate(TEN + 10 * SECOND)
    set_back = TEN - 80 * SECOND
    names = [f"user-{number:02}" for number in range(50)]
    await owner.fold([each for name in names for each in crossing(name, MEDIUM, TEN + 30 * MINUTE)], set_back)
    for clock in range(set_back, TEN + 2 * HOUR, 7 * MINUTE):
        await owner.evaluate(clock)
    assert users(await risks.notified()) == ["first", *names]


async def test_the_next_owner_does_not_go_back_behind_the_last_one(risks: Risks) -> None:
    """Its clock is behind, and it dies before the hour at which the index begins by the other's clock."""
    ahead = await ShardOwner.of(risks)
    await ahead.fold(crossing("first", MEDIUM, TEN - HOUR), TEN - HOUR)
    await ahead.evaluate(TEN + 10 * SECOND)
    behind = await ShardOwner.of(risks)
    await behind.evaluate(TEN - 2 * MINUTE)
    await behind.fold(crossing("second", MEDIUM, TEN - 30 * SECOND), TEN - 2 * MINUTE)
    last = await ShardOwner.of(risks)
    await last.evaluate(TEN + MINUTE)
    assert users(await risks.notified()) == ["first", "second"]


async def test_who_is_put_under_an_hour_that_is_gone_is_notified(risks: Risks) -> None:
    """Whatever a fold takes for the present."""
    owner = await ShardOwner.of(risks)
    await owner.fold([event("login", "ann", TEN)], TEN + HOUR)
    await owner.evaluate(TEN + HOUR)
    await owner.fold(crossing("bob", MEDIUM, TEN + 30 * MINUTE), TEN, as_of_ms=TEN)
    successor = await ShardOwner.of(risks)
    await successor.evaluate(TEN + HOUR)
    assert users(await risks.notified()) == ["bob"]


async def test_a_clock_that_was_far_ahead_is_put_right_and_so_are_the_levels(risks: Risks) -> None:
    owner = await ShardOwner.of(risks)
    logins = [event("login", "ann", TEN - age * DAY) for age in range(10)]
    await owner.fold([*logins, *crossing("bob", HIGH, TEN + 2 * HOUR)], TEN)
    await owner.evaluate(TEN)
    await owner.evaluate(TEN + 20 * DAY)  # a machine without a battery
    await owner.evaluate(TEN + HOUR)
    notified = [(each.user_id, each.previous_level, each.level) for each in await risks.notified()]
    assert notified[0] == ("bob", "low", "medium")
    assert sorted(notified[1:3]) == [("ann", "low", "medium"), ("bob", "medium", "high")]
    # At 0.69 bob would not have become high, but does not leave it yet.
    assert notified[3:] == [("ann", "medium", "low")]


async def test_what_comes_to_be_once_more_after_a_set_back_is_another_message(risks: Risks) -> None:
    owner = await ShardOwner.of(risks)
    await owner.fold([event("login", "ann", TEN)], TEN)
    for clock in (TEN + 20 * DAY, TEN, TEN + 20 * DAY):
        await owner.evaluate(clock)
    first, _, again = await risks.notified()
    assert (first.level, first.since) == (again.level, again.since) == ("high", first.since)
    assert first.event_id != again.event_id


async def test_the_newest_event_is_a_clock_that_is_only_known_later_never_set_back(risks: Risks) -> None:
    """An owner learns within a second what other shards have; it is not to take back what was notified by that."""
    owner = await ShardOwner.of(risks, by_wall=False)
    await owner.fold([event("login", "ann", TEN)], TEN)
    await owner.evaluate(TEN + 20 * DAY)
    ignorant = await ShardOwner.of(risks, by_wall=False)
    await ignorant.evaluate(0)
    await ignorant.evaluate(TEN)
    assert [each.level for each in await risks.notified()] == ["high"]


async def test_a_review_that_was_interrupted_is_done_by_the_next_owner(risks: Risks) -> None:
    owner = await ShardOwner.of(risks)
    names = [f"user-{number:02}" for number in range(40)]
    await owner.fold([event("login", name, TEN) for name in names], TEN)
    await owner.evaluate(TEN)
    assert await risks.notified() == []
    owner.scoring = Scoring(Coefficients(constant=3.0), 3, SCORING.calendar)
    await owner.evaluate(TEN, most=12)
    partly = len(await risks.notified())
    assert 0 < partly < len(names)
    successor = await ShardOwner.of(risks, scoring=owner.scoring)
    await successor.evaluate(TEN + SECOND)
    assert users(await risks.notified()) == names


class Model:
    """Everybody evaluated straight from the formula at each moment, and the messages that follow."""

    def __init__(self) -> None:
        self.history: dict[str, list[CountedEvent]] = {}
        self.level: dict[str, int] = {}
        self.present = 0
        self.decided = 0
        """The latest moment as of which anything was committed."""

    def hear(self, events: list[dict[str, Any]], clock: int) -> None:
        self.present = self.decided = max(self.present, clock)
        for each in events:
            self.history.setdefault(each["user_id"], []).append(counted_event(each, UTC_ZONE))
            self.level.setdefault(each["user_id"], 0)

    def evaluate(self, clock: int) -> set[tuple[str, str, str]]:
        """(user, level before, level) of whoever is to be notified of."""
        if self.present - clock > SET_BACK:
            self.present = self.decided = clock
        self.present = max(self.present, clock)
        return {
            (user, LEVELS[level], LEVELS[now])
            for user, level in self.level.items()
            if (now := self._level(user)) != level
        }

    def notify(self, changes: set[tuple[str, str, str]]) -> None:
        self.level |= {user: LEVELS.index(level) for user, _, level in changes}
        self.decided = self.present if changes else self.decided

    def _level(self, user: str) -> int:
        own, notified = self.history[user], self.level[user]
        active = [each for each in own if each.active]
        last = max((each.minute * MINUTE for each in active), default=-(1 << 60))
        if self.present >= last + 90 * DAY and subscription(own) in (None, "subscription_cancelled"):
            return notified
        parts = reasons(own, active, max(self.present, last), UTC_ZONE, 3, DEFAULTS)
        return after(notified, base(active, DEFAULTS) + sum(parts.values()))


class Times:
    """A true time that goes on, and the clock of the present owner, which lies somewhere around it."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.true = TEN
        self.off = 0

    def go_on(self) -> None:
        longest = self._chance.choice([10 * SECOND, 20 * MINUTE, 5 * HOUR, 3 * DAY])
        self.true += self._chance.randrange(longest)
        if self._chance.random() < 0.3:  # just before or after a full hour, where mistakes are
            self.true += HOUR - self.true % HOUR + self._chance.randrange(-90, 90) * SECOND

    def step(self) -> None:
        furthest = self._chance.choice([0, 0, SECOND, 2 * MINUTE, 9 * MINUTE, 3 * HOUR, 40 * DAY])
        self.off = self._chance.randint(-furthest, furthest)

    @property
    def clock(self) -> int:
        return self.true + self.off


def something(chance: random.Random, now: int) -> list[dict[str, Any]]:
    """Of one of a few customers: whatever moves its risk, or a history that crosses a level soon."""
    user = f"user-{chance.randrange(12)}"
    past = now - chance.choice([0, chance.randrange(40 * DAY)])
    match chance.randrange(7):
        case 0 | 1:
            soon = now + chance.randrange(2 * HOUR)
            return crossing(f"{user}-{next(_numbers)}", log(chance.choice([2 / 3, 7 / 3])), soon)
        case 2:
            return [event("survey_response", user, past, survey="nps", survey_id="q", scale="0-10", score=3)]
        case 3:
            type_ = chance.choice(["ticket_opened", "ticket_resolved"])
            return [event(type_, user, past, ticket_id="7")]
        case 4:
            type_ = chance.choice(["subscription_started", "subscription_cancelled"])
            return [event(type_, user, past, plan="team")]
        case _:
            return [event("login", user, past)]


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 15))])
async def test_every_change_is_notified_once_whatever_clocks_owners_and_kills_do(risks: Risks, seed: int) -> None:
    chance = random.Random(seed)
    model, times, owner = Model(), Times(chance), await ShardOwner.of(risks)
    await owner.fold(anybody := something(chance, TEN), TEN)
    model.hear(anybody, TEN)
    notified = 0
    for _ in range(120):
        match chance.randrange(8):
            case 0 | 1:
                times.go_on()
            case 2:
                times.step()
            case 3:
                owner = await successor(risks, model)
                times.step()
            case 4 | 5:
                events = [each for _ in range(chance.randrange(1, 4)) for each in something(chance, times.true)]
                model.hear(events, times.clock)
                await owner.fold(events, times.clock)
            case 6 | 7:
                dies = chance.random() < 0.3
                await owner.evaluate(times.clock, chance.randrange(1, 40) if dies else 100_000)
                messages = (await risks.notified())[notified:]
                notified += len(messages)
                changes = [(each.user_id or "", each.previous_level, each.level) for each in messages]
                assert len(set(changes)) == len(changes)
                expected = model.evaluate(times.clock)
                assert set(changes) <= expected if dies else set(changes) == expected
                model.notify(set(changes))
                if dies:
                    owner = await successor(risks, model)
                else:
                    assert min(await risks.index(), default=FAR_FUTURE) >= model.present // HOUR
        await assert_the_index_is_whole(risks, model)
    messages = await risks.notified()
    assert len({each.event_id for each in messages}) == len(messages) > 20


async def successor(risks: Risks, model: Model) -> ShardOwner:
    """It knows as of when something was decided; an evaluation that decided nothing may have left no trace."""
    latest = await risks.field(LATEST)
    assert model.decided <= latest <= model.present
    model.present = latest
    return await ShardOwner.of(risks)


async def assert_the_index_is_whole(risks: Risks, model: Model) -> None:
    """Wherever a customer's record says that it stands, it stands, and not before the beginning."""
    begins, index = await risks.field(DUE_FROM), await risks.index()
    for user, hour in (await risks.hours_in_records(list(model.level))).items():
        assert hour >= begins
        assert user in index[hour]
