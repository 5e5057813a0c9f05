"""From one HTTP request of an unmodified client to our events; pure."""
