"""Topic sessions: pages looked at, one by one or summed up when the session ends."""

from __future__ import annotations

from schemas.envelope import Count, DurationMs, Event, Name


class PageView(Event, frozen=True, gc=False, kw_only=True, tag="page_view"):
    """The customer looked at a page, from the timestamp on."""

    page: Name
    session_id: Name | None = None
    duration_ms: DurationMs | None = None


class Session(Event, frozen=True, gc=False, kw_only=True, tag="session"):
    """A session ended at the timestamp; it began duration_ms earlier."""

    session_id: Name
    duration_ms: DurationMs
    page_views: Count
    converted: bool | None = None


TYPES: tuple[type[Event], ...] = (PageView, Session)
