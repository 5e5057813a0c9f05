"""Keys in Redis keep apart what is to be kept apart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas import DEFAULT_PRODUCT
from stream.store.keys import customer_key
from tests.histories import laws

PRODUCTS = st.sampled_from([DEFAULT_PRODUCT, "a", "u:", "1", "2:ab", "default2:"]) | st.text(min_size=1, max_size=20)
CUSTOMERS = st.builds("{}:{}".format, st.sampled_from("ua"), st.text(min_size=1, max_size=20))
SAME_LETTERS = st.text("ua:12", min_size=1, max_size=4)


@laws
@given(*[st.tuples(PRODUCTS | SAME_LETTERS, CUSTOMERS | st.builds("u:{}".format, SAME_LETTERS)) for _ in range(2)])
def test_two_customers_never_share_a_key(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (customer_key(*one) == customer_key(*other)) == (one == other)


def test_customers_of_the_default_product_are_stored_by_their_name_alone() -> None:
    assert customer_key(DEFAULT_PRODUCT, "u:ann") == b"u:ann"
    assert customer_key("app", "u:ann") == b"3:appu:ann"
