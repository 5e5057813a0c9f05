"""Simulated customers: what they truly do, the ledger that knows it, and the unreliable way their events take."""

from stream.simulate.customers import PAST_DAYS
from stream.simulate.ledger import Ledger
from stream.simulate.sitting import Event
from stream.simulate.traffic import Plan, Traffic
from stream.simulate.way import Message, Way
from stream.simulate.world import Told, World

__all__ = ["PAST_DAYS", "Event", "Ledger", "Message", "Plan", "Told", "Traffic", "Way", "World"]
