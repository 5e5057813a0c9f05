"""How long units of time are, each named in another one. (Whoever needs calendars finds them in `time`, too.)"""

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
HOUR = 60
"""In minutes, as is DAY."""
DAY = 24 * HOUR
