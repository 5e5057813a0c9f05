"""What Redis answers when it is unwell, and what it never will accept: each is told apart, wherever it comes from."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import DataError, InvalidResponse, RedisError, TimeoutError

from stream.demo.embedded import EmbeddedRedis, free_port
from stream.runtime.errors import UserError
from stream.store.connect import advice, answers, code_of, connect_to, is_transient
from stream.store.server import once_well

PASSING = {
    "LOADING": "LOADING Redis is loading the dataset in memory",
    "BUSY": "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "OOM": "OOM command not allowed when used memory > 'maxmemory'.",
    "READONLY": "READONLY You can't write against a read only replica.",
    "MISCONF": "MISCONF Valkey is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "NOREPLICAS": "NOREPLICAS Not enough good replicas to write.",
    "MASTERDOWN": "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "CLUSTERDOWN": "CLUSTERDOWN Hash slot not served",
    "TRYAGAIN": "TRYAGAIN Multiple keys request during rehashing of slot",
    "NOSCRIPT": "NOSCRIPT No matching script. Please use EVAL.",
    "EXECABORT": "EXECABORT Transaction discarded because of previous errors.",
    "MAXCLIENTS": "ERR max number of clients reached",
    "KILLED": "ERR Script killed by user with SCRIPT KILL...",
}
REFUSING = {
    "NOAUTH": "NOAUTH Authentication required.",
    "WRONGPASS": "WRONGPASS invalid username-password pair or user is disabled.",
    "NOPERM": "NOPERM this user has no permissions to run the 'evalsha' command",
    "NODB": "ERR DB index is out of range",
    "UNKNOWN": "ERR unknown command 'EVALSHA', with args beginning with: 'a' 'secret'",
    "DENIED": "DENIED Redis is running in protected mode because protected mode is enabled",
    "MOVED": "MOVED 3999 127.0.0.1:6381",
    "ASK": "ASK 3999 127.0.0.1:6381",
    "CROSSSLOT": "CROSSSLOT Keys in request don't hash to the same slot",
    "WRONGTYPE": "WRONGTYPE Operation against a key holding the wrong kind of value",
}
SCRIPT_OF_6_2 = "ERR Error running script (call to f_60b5b39b0e3a): @user_script:1: @user_script: 1: -{}"
SCRIPT_OF_7 = "{} script: 60b5b39b0e3a, on @user_script:1."
SCRIPT_OF_VALKEY = "{} script: on @user_script:1."
IN_SCRIPTS = ("OOM", "READONLY", "MISCONF", "NOREPLICAS")

Ask = Callable[[Redis], Awaitable[Any]]


async def command(redis: Redis) -> None:
    await redis.hset("key", "field", "value")


async def pipeline(redis: Redis) -> None:
    async with redis.pipeline(transaction=False) as pipe:
        pipe.hset("key", "field", "value")
        await pipe.execute()


async def transaction(redis: Redis) -> None:
    async with redis.pipeline(transaction=True) as pipe:
        pipe.hset("key", "field", "value")
        await pipe.execute()


async def script(redis: Redis) -> None:
    await redis.evalsha("60b5b39b0e3a", 1, "key")


WAYS = [command, pipeline, transaction, script]


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.parametrize("code", PASSING)
async def test_passes(code: str, ask: Ask) -> None:
    error = await error_of(PASSING[code], ask)
    assert (is_transient(error), answers(error), advice(error)) == (True, True, None), repr(error.args)
    assert code_of(error) == code


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.parametrize("code", REFUSING)
async def test_does_not_pass_and_says_what_to_do(code: str, ask: Ask) -> None:
    error = await error_of(REFUSING[code], ask)
    assert not is_transient(error)
    assert not answers(error)
    told = str(advice(error))
    assert "ASSIDU_REDIS" in told or code == "DENIED"
    assert "secret" not in told


@pytest.mark.parametrize("form", [SCRIPT_OF_6_2, SCRIPT_OF_7, SCRIPT_OF_VALKEY], ids=["6.2", "7", "valkey"])
@pytest.mark.parametrize("code", IN_SCRIPTS)
async def test_passes_within_a_script(code: str, form: str) -> None:
    error = await error_of(form.format(PASSING[code]), script)
    assert (is_transient(error), code_of(error)) == (True, code), repr(error.args)


@pytest.mark.parametrize(
    "line",
    [
        "ERR Error running script (call to f_60b5): @user_script:1: @user_script: 1: "
        "The user executing the script can't run this command or subcommand",
        "ERR The user executing the script can't run this command or subcommand script: 60b5, on @user_script:1.",
        "ERR ACL failure in script: User u has no permissions to run the 'hset' command script: on @user_script:1.",
        "ERR Error running script (call to f_60b5): @user_script:1: @user_script: 1: "
        "Unknown Redis command called from Lua script",
        "ERR Error running script (call to f_60b5): @user_script:1: @user_script: 1: Write commands not allowed "
        "after non deterministic commands. Call redis.replicate_commands() at the start of your script",
        "ERR Error running script (call to f_60b5): @user_script:1: WRONGTYPE Operation against a key holding",
        "WRONGTYPE Operation against a key holding the wrong kind of value script: 60b5, on @user_script:1.",
    ],
)
async def test_does_not_pass_within_a_script(line: str) -> None:
    error = await error_of(line, script)
    assert not is_transient(error)
    assert advice(error)


async def test_a_transaction_that_was_given_up_passes_when_its_reason_does() -> None:
    passing = await error_of("EXECABORT Transaction discarded because of: OOM command not allowed", command)
    refusing = await error_of("EXECABORT Transaction discarded because of: WRONGTYPE Operation", command)
    assert (is_transient(passing), is_transient(refusing)) == (True, False)


async def test_a_fault_of_ours_does_not_pass_and_asks_nobody_to_do_anything() -> None:
    syntax = await error_of("ERR syntax error", command)
    lua = await error_of("ERR user_script:9: attempt to index a nil value script: 60b5, on @user_script:9.", script)
    for error in (syntax, lua, DataError("Invalid input of type: 'NoneType'")):
        assert (is_transient(error), advice(error)) == (False, None)


async def test_a_redis_that_is_not_reached_passes_but_does_not_answer() -> None:
    redis = connect_to(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(RedisError) as refused:
        await redis.ping()
    for error in (refused.value, TimeoutError("Timeout reading"), InvalidResponse("Protocol Error"), OSError(32)):
        assert (is_transient(error), answers(error), advice(error)) == (True, False, None)


async def test_a_wrong_password_and_a_missing_one_are_told_from_a_redis_that_is_away() -> None:
    with EmbeddedRedis({"appendonly": "no"}) as server:
        async with Redis.from_url(server.url) as admin:
            await admin.config_set("requirepass", "right")
        for user in ("", ":wrong@", "nobody:wrong@"):
            redis = connect_to(server.url.replace("//", f"//{user}"))
            with pytest.raises(RedisError) as refused:
                await redis.ping()
            assert not is_transient(refused.value)
            assert "it refuses the user or password" in str(advice(refused.value))
            await redis.aclose()


async def test_a_start_waits_for_a_redis_that_is_busy_and_not_for_one_that_refuses() -> None:
    """Busy with a script that never ends, until it is killed."""
    with EmbeddedRedis({"appendonly": "no", "lua-time-limit": "10"}) as server:
        hog = threading.Thread(target=run_for_ever, args=(server.url,))
        hog.start()
        stop, steps = asyncio.Event(), []

        async def ping() -> None:
            steps.append("asked")
            await redis.ping()
            steps.append("answered")

        redis = connect_to(server.url)
        await until_busy(redis)
        starting = asyncio.create_task(once_well(stop, ping))
        while not steps:
            await asyncio.sleep(0.01)
        assert not starting.done()
        await redis.script_kill()
        hog.join()
        assert await starting
        assert steps[-1] == "answered"

        async def refuse() -> None:
            raise UserError("no")

        with pytest.raises(UserError):
            await once_well(stop, refuse)
        stop.set()
        assert not await once_well(stop, refuse)
        await redis.aclose()


def run_for_ever(url: str) -> None:
    import redis

    with redis.Redis.from_url(url) as client, pytest.raises(RedisError, match="killed"):
        client.eval("while true do end", 0)


async def until_busy(redis: Redis) -> None:
    while True:
        try:
            await redis.ping()
        except RedisError as error:
            assert code_of(error) == "BUSY"
            return
        await asyncio.sleep(0.01)


async def error_of(line: str, ask: Ask) -> RedisError:
    """What redis-py raises when a server answers so."""
    async with answering(line) as port, connect_to(f"redis://127.0.0.1:{port}/0?protocol=2") as redis:
        with pytest.raises(RedisError) as error:
            await ask(redis)
    return error.value


@asynccontextmanager
async def answering(line: str) -> AsyncIterator[int]:
    """A server that answers every command with this error; port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while words := await read_command(reader):
            if words[0] in (b"CLIENT", b"MULTI"):
                answer = "+OK"
            elif words[0] == b"EXEC":
                answer = "-EXECABORT Transaction discarded because of previous errors."
            else:
                answer = f"-{line}"
            writer.write(f"{answer}\r\n".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def read_command(reader: asyncio.StreamReader) -> list[bytes]:
    head = await reader.readline()
    words = []
    for _ in range(int(head[1:] or 0)):
        length = int((await reader.readline())[1:])
        words.append((await reader.readexactly(length + 2))[:-2])
    return words
