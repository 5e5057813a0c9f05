"""Commerce: what customers pay and send back, what they are worth, who buys again, and what it costs to find them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from tests.recount.churn_risk import LEVELS
from tests.recount.counted import CountedEvent, by_customer, customers, of_types
from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.visitors import Visitor
from tests.recount.windows import WINDOW_HOURS, lies_within, within

MINOR_UNITS = {"EUR": 100, "USD": 100, "JPY": 1, "KWD": 1000}
"""Of the currencies that the histories have."""

Order = list[CountedEvent]


def commerce(history: list[CountedEvent], visitors: list[Visitor], now: int, today: int) -> dict[Sample, Exact]:
    samples: dict[Sample, Exact] = {}
    orders = orders_of(history)
    costs: dict[str, Exact] = {
        currency: acquisition_cost(history, visitors, currency, now)
        for currency in {
            event.fields["currency"] for event in of_types(history, "spend") if event.fields["amount_minor"]
        }
    }
    for window in WINDOW_HOURS:
        number = sum(lies_within(order[0].minute, window, now) for order in orders)
        samples[sample("orders", window=window)] = number
        newcomers = sum(lies_within(visitor.anchor_minute, window, now) for visitor in visitors)
        samples[sample("new_customers", window=window)] = newcomers
        sold, sent_back = (
            sum(event.fields["units"] for event in of_types(within(history, window, now), type_))
            for type_ in ("purchase", "product_return")
        )
        samples[sample("product_return_ratio", window=window)] = share(sent_back, sold)
    for currency in traded(history):
        samples |= money(history, currency, now)
        samples[sample("predicted_value", currency=currency)] = predicted(history, visitors, currency, now, today)
    for currency, cost in costs.items():
        value = predicted(history, visitors, currency, now, today)
        samples[sample("acquisition_cost", currency=currency)] = cost
        ratio = Fraction(value) / Fraction(cost) if value is not None and cost else None
        samples[sample("value_to_cost_ratio", currency=currency)] = ratio
    return samples


def traded(history: list[CountedEvent]) -> set[str]:
    """The currencies in which anything was ever bought, or anything paid back."""
    return {
        event.fields["currency"]
        for event in payments(history)
        if event.type == "purchase" or event.fields["amount_minor"]
    }


def payments(history: list[CountedEvent]) -> list[CountedEvent]:
    return [
        event
        for event in of_types(history, "purchase", "product_return")
        if event.fields.get("amount_minor") is not None
    ]


def net(events: list[CountedEvent], currency: str) -> Fraction:
    """Purchases less returns, in units of the currency."""
    total = 0
    for event in payments(events):
        if event.fields["currency"] == currency:
            total += event.fields["amount_minor"] * (1 if event.type == "purchase" else -1)
    return Fraction(total, MINOR_UNITS[currency])


def orders_of(history: list[CountedEvent]) -> list[Order]:
    """The purchases of each order of each customer, the first one first."""
    found: dict[tuple[str, str], Order] = {}
    for event in sorted(of_types(history, "purchase"), key=lambda event: event.ms):
        if event.product != "other":  # where orders of several products have the same id
            found.setdefault((event.customer, event.fields["order_id"]), []).append(event)
    return list(found.values())


def money(history: list[CountedEvent], currency: str, now: int) -> dict[Sample, Exact]:
    samples: dict[Sample, Exact] = {}
    purchases = [event for event in of_types(history, "purchase") if event.fields["currency"] == currency]
    orders = orders_of(purchases)
    for window in WINDOW_HOURS:
        counted = within(history, window, now)
        labels = {"currency": currency, "window": window}
        samples[sample("revenue", **labels)] = net(counted, currency)
        begun = sum(lies_within(order[0].minute, window, now) for order in orders)
        paid = net(of_types(counted, "purchase"), currency)
        samples[sample("order_value_mean", **labels)] = paid / begun if begun else None
    buyers = customers(purchases)
    samples[sample("customer_value", currency=currency)] = net(history, currency) / buyers if buyers else None
    return samples


def predicted(
    history: list[CountedEvent], visitors: list[Visitor], currency: str, now: int, today: int
) -> Fraction | None:
    month = within(history, "30d", now)
    buyers = customers(event for event in of_types(month, "purchase") if event.fields["currency"] == currency)
    start = [visitor for visitor in visitors if visitor.active_between(today - 60, today - 31)]
    gone = [visitor for visitor in start if not visitor.active_between(today - 30, today - 1)]
    if not buyers or not start:
        return None
    months = min(Fraction(len(start), len(gone)), Fraction(36)) if gone else 36
    return net(month, currency) / buyers * months


def acquisition_cost(
    history: list[CountedEvent], visitors: list[Visitor], currency: str, now: int
) -> Fraction | None:
    newcomers = sum(lies_within(visitor.anchor_minute, "30d", now) for visitor in visitors)
    spent = sum(
        event.fields["amount_minor"]
        for event in of_types(within(history, "30d", now), "spend")
        if event.fields["currency"] == currency
    )
    return Fraction(spent, MINOR_UNITS[currency] * newcomers) if newcomers else None


def repeat_purchases(history: list[CountedEvent], today: int) -> dict[Sample, Exact]:
    samples: dict[Sample, Exact] = {}
    days_of = [
        [order[0].day for order in orders_of(own)] for own in by_customer(of_types(history, "purchase")).values()
    ]
    for period in (30, 90, 365):
        numbers = [sum(today - period <= day < today for day in days) for days in days_of]
        buyers = sum(number >= 1 for number in numbers)
        samples[sample("buyers_customers", days=period)] = buyers
        samples[sample("repeat_purchase_ratio", days=period)] = share(sum(n >= 2 for n in numbers), buyers)
    return samples


def revenue_at_risk(
    history: list[CountedEvent], risk_of: Callable[[list[CountedEvent]], tuple[str, str] | None]
) -> dict[Sample, Exact]:
    """`risk_of` a customer with these events: its level of churn risk and why, None where it has none."""
    samples: dict[Sample, Exact] = {}
    by_level: dict[str, list[CountedEvent]] = {level: [] for level in LEVELS}
    for own in by_customer(history).values():
        if payments(own) and (risk := risk_of(own)):
            by_level[risk[0]] += own
    for currency in traded(history):
        nets = {level: net(events, currency) for level, events in by_level.items()}
        whole = sum(nets.values())
        for level, amount in nets.items():
            labels = {"level": level, "currency": currency}
            samples[sample("revenue_at_risk", **labels)] = amount
            is_share = whole and min(nets.values()) >= 0
            samples[sample("revenue_at_risk_ratio", **labels)] = amount / whole if is_share else None
    return samples
