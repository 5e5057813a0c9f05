"""Simulated customers: what they do, as events of the contract, and the unreliable delivery of these to Kafka."""

from stream.demo.simulate.delivery import Message, UnreliableDelivery
from stream.demo.simulate.profiles import PAST_DAYS
from stream.demo.simulate.session import Event
from stream.demo.simulate.traffic import Plan, Traffic
from stream.demo.simulate.world import TimedEvent, World

__all__ = ["PAST_DAYS", "Event", "Message", "Plan", "TimedEvent", "Traffic", "UnreliableDelivery", "World"]
