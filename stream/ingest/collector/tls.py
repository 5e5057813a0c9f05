"""TLS: a certificate of the collector's own."""

from __future__ import annotations

import ssl

from stream.runtime.errors import UserError


def server_context(cert: str, key: str) -> ssl.SSLContext | None:
    """Of these PEM files; None where none is named. Raises UserError naming ASSIDU_COLLECTOR_CERT and …_KEY."""
    if not cert and not key:
        return None
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key or None)
    except OSError as error:  # of which SSLError is one
        raise UserError(
            f"ASSIDU_COLLECTOR_CERT={cert!r} and ASSIDU_COLLECTOR_KEY={key!r}: no certificate (PEM) with its key: "
            f"{error.strerror or error}"
        ) from None
    return context
