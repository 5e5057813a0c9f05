"""How Faust logs in to Kafka: as every other client, said in its own words."""

from __future__ import annotations

from faust import SASLCredentials, SSLCredentials
from faust.auth import Credentials, OAuthCredentials

from stream.kafka.connection import connection
from stream.settings import Settings


def faust_credentials(settings: Settings) -> Credentials | None:
    """None: in plain text, without a login. Where Kafka is, Faust knows by its broker's URL."""
    options = connection(settings)
    context = options.get("ssl_context")
    if provider := options.get("sasl_oauth_token_provider"):
        return OAuthCredentials(oauth_cb=provider, ssl_context=context)
    if mechanism := options.get("sasl_mechanism"):
        return SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context) if context else None
