"""What is written from the definitions of the indicators: tables, documentation, dashboards, alert rules."""
