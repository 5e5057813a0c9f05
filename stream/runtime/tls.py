"""TLS towards a server: our certificates, and what somebody must put right where it fails."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from ssl import SSLCertVerificationError, SSLContext, SSLError

_ANSWER_WITHIN_SECONDS = 2.0
_EXPIRED, _OTHER_HOST, _OTHER_ADDRESS = 10, 62, 64
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED, …_HOSTNAME_MISMATCH, …_IP_ADDRESS_MISMATCH."""
_ALERT = b"\x15"
"""What the answer of a server begins with that speaks TLS and was not spoken to in it."""


def client_context(ca: str | None, cert: str | None, key: str | None) -> SSLContext:
    """Trusts who is signed by `ca` (None: by those that the system trusts), and shows `cert` where it is asked.

    Raises OSError, or ValueError where the key is encrypted.
    """
    context = ssl.create_default_context(cafile=ca)
    if cert and key:
        context.load_cert_chain(cert, key, _passphrase)  # without it OpenSSL would ask at the terminal
    return context


def _passphrase() -> str:
    raise ValueError("is encrypted: name a key without a passphrase, in a file that only Assidu may read")


def check_ca(path: str) -> None:
    """Raises ValueError where that file is no CA."""
    try:
        client_context(path, None, None)
    except SSLError:
        raise ValueError("holds no certificates (PEM)") from None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


def check_cert(path: str) -> None:
    """Raises ValueError where that file holds no certificate."""
    if b"-----BEGIN CERTIFICATE-----" not in _content(path):
        raise ValueError("holds no certificate (PEM)")


def check_key(path: str, cert: str) -> None:
    """Raises ValueError where that file is not the key of the certificate."""
    _content(path)
    try:
        client_context(None, cert, path)
    except SSLError as error:
        other = error.reason == "KEY_VALUES_MISMATCH"
        raise ValueError(f"is not the key of {cert}" if other else "holds no private key (PEM)") from None


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


def advice(error: BaseException, setting: str) -> str | None:
    """What is wrong with whose certificate, and which of the settings that begin with `setting` to put right; None
    where the error, and what caused it, is another one."""
    for cause in _causes(error):
        if isinstance(cause, SSLCertVerificationError):
            return _untrusted(cause, setting)
        if isinstance(cause, SSLError) and "ALERT" in (cause.reason or ""):
            return _unaccepted(cause, setting)
    return None


def _untrusted(error: SSLCertVerificationError, setting: str) -> str:
    if error.verify_code in (_OTHER_HOST, _OTHER_ADDRESS):
        return f"its certificate is another host's ({error.verify_message}): name it in {setting} as it does"
    if error.verify_code == _EXPIRED:
        return f"its certificate has expired, or a clock is wrong ({error.verify_message})"
    return f"its certificate is not trusted ({error.verify_message}): name the CA that has signed it in {setting}_CA"


def _unaccepted(error: SSLError, setting: str) -> str:
    said = (error.reason or "").partition("ALERT_")[2].lower().replace("_", " ")
    if "certificate" in said or said == "unknown ca":
        return (
            f"it refuses the certificate that it was shown, or wants one ({said}): name one that its CA has signed "
            f"in {setting}_CERT, and its key in {setting}_KEY"
        )
    return f"it refuses TLS as this machine speaks it ({said}): compare the versions and ciphers that both know"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


async def advice_of_alert(host: str, port: int, context: SSLContext, setting: str) -> str | None:
    """`advice` on what the server says after the handshake: whoever writes at once may lose it."""
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            try:
                await reader.read(1)
            finally:
                writer.transport.abort()
    except OSError as error:
        return advice(error, setting)
    return None


async def speaks_tls(host: str, port: int) -> bool:
    """Whether it shakes hands, or refuses to in TLS, whoever it is. False where it cannot be told."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except SSLError as error:
        return "ALERT" in (error.reason or "")
    except OSError:
        return False
    writer.transport.abort()
    return True


async def answers_in_plain(host: str, port: int, question: bytes) -> bool:
    """Whether it answers the question without TLS. False where it cannot be told."""
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(question)
                return await reader.read(1) not in (b"", _ALERT)
            finally:
                writer.transport.abort()
    except OSError:
        return False
