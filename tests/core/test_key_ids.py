"""Numbers of keys: what shards store is read back as the same keys, each in its slice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.cli.endings import refusal
from stream.core import key_ids
from stream.core.key_ids import MOST_SLICES, FoldKeys, KeyIds, Keys, TooManyKeys
from stream.core.ragged import Ints
from stream.core.series import Key
from tests.histories import laws

KEYS = st.tuples(st.sampled_from(["clicks", "logins"]), st.sampled_from(["app", "site"]), st.text(max_size=3))


def in_slices(fold: FoldKeys, numbers: Ints) -> list[tuple[int, Key]]:
    """The slice and the key of each number."""
    return list(zip(fold.slices_at(numbers).tolist(), fold.keys_at(numbers), strict=True))


@laws
@given(st.lists(st.tuples(st.integers(0, 3), KEYS), max_size=30), st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_what_the_shards_store_is_read_as_the_same_keys(found: list[tuple[int, Key]], shards: list[int]) -> None:
    """`shards[slice]` is the shard of the slice."""
    table = Keys()
    stored = [KeyIds(keys=table) for _ in range(3)]
    fold = FoldKeys([stored[shard] for shard in shards])
    slices = np.array([slice_ for slice_, _ in found], np.int64)
    numbers = fold.numbers([key for _, key in found], np.arange(len(found)), slices)
    ids = fold.ids(numbers)
    assert in_slices(fold, numbers) == found
    assert fold.read(slices, ids).tolist() == numbers.tolist()
    for shard, own in enumerate(stored):
        here = {key for slice_, key in found if shards[slice_] == shard}
        again = KeyIds(own.pack(0), table)
        assert again.numbers.tolist() == own.numbers.tolist()
        assert {table[number] for number in own.numbers.tolist()} == here


def test_a_key_that_is_like_another_is_in_the_same_slice() -> None:
    shard = KeyIds()
    fold = FoldKeys([shard, shard])
    numbers = fold.number(("clicks", "app", "web"), np.array([1, 0, 1]))
    like = fold.like(numbers, lambda key, score: ("scores", *key[1:], str(score)), np.array([7, 7, 2**32 - 1]))
    assert in_slices(fold, like) == [
        (1, ("scores", "app", "web", "7")),
        (0, ("scores", "app", "web", "7")),
        (1, ("scores", "app", "web", str(2**32 - 1))),
    ]
    assert fold.are_of("scores", np.concatenate([numbers, like])).tolist() == [False] * 3 + [True] * 3


def test_a_fold_says_so_when_its_slices_or_keys_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    shard = KeyIds()
    with pytest.raises(ValueError, match=f"at most {MOST_SLICES}"):
        FoldKeys([shard] * (MOST_SLICES + 1))
    with pytest.raises(ValueError, match="share one table"):
        FoldKeys([shard, KeyIds()])
    monkeypatch.setattr(key_ids, "_KEY", 1)
    for name in ("one", "two"):
        shard.keys.number((name,))
    with pytest.raises(TooManyKeys) as error:
        shard.keys.number(("three",))
    assert "ASSIDU_LABEL_LIMIT" in str(refusal(error.value))
