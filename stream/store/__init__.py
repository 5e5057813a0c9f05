"""The only package that knows Redis and its key names: `shard` writes, `replica` reads."""
