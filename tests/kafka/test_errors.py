"""Kafka's errors: each one that aiokafka knows is classed, and what does not pass is said to somebody."""

from __future__ import annotations

import inspect

import pytest
from aiokafka import errors
from aiokafka.errors import KafkaError

from stream.kafka.errors import REMEDIES, Remedy, is_transient, refusal, remedy

CLASSES: list[type[KafkaError]] = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, KafkaError)
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_somebody_has_thought_about_every_error(kind: type[KafkaError]) -> None:
    assert kind in REMEDIES


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_what_kafka_itself_calls_retriable_is_tried_again(kind: type[KafkaError]) -> None:
    assert is_transient(kind()) or not kind.retriable


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if REMEDIES.get(kind) is Remedy.USER])
def test_what_nobody_but_the_user_can_help_says_what_to_do(kind: type[KafkaError]) -> None:
    words = str(refusal(kind(), "write to dead-letters"))
    assert words.startswith("Kafka refuses to write to dead-letters")
    assert kind.__name__ in words
    assert len(words.partition("): ")[2]) > 20


def test_an_error_of_a_class_that_is_not_known_yet_is_what_it_is_a_kind_of() -> None:
    class LaterError(errors.TopicAuthorizationFailedError):  # type: ignore[misc]
        pass

    assert remedy(LaterError()) is Remedy.USER
    assert "right" in str(refusal(LaterError("clicks"), "read clicks"))


def test_a_class_has_one_remedy_only() -> None:
    from stream.kafka import errors as kafka_errors

    groups = [kafka_errors._RETRY, kafka_errors._NEW_PRODUCER, kafka_errors._SHORTER, kafka_errors._UNDATED]
    classed = [kind for group in (*groups, *kafka_errors._ADVICE.values()) for kind in group]
    assert len(classed) == len(set(classed)) == len(REMEDIES)
