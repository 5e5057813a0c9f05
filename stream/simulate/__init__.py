"""Simulated customers: what they do, as events of the contract, and the unreliable delivery of these to Kafka."""

from stream.simulate.delivery import Message, UnreliableDelivery
from stream.simulate.profiles import PAST_DAYS
from stream.simulate.session import Event
from stream.simulate.traffic import Plan, Traffic
from stream.simulate.world import TimedEvent, World

__all__ = ["PAST_DAYS", "Event", "Message", "Plan", "TimedEvent", "Traffic", "UnreliableDelivery", "World"]
