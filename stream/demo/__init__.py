"""Everything on one machine, with simulated customers: what `assidu demo` runs and shows."""
