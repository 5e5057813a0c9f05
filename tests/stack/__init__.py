"""What tests of the whole run against: brokers, the command line, and waiting for conditions."""
