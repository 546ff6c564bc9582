"""The only place that knows SQL. `engine` is the contract, `sqlite` the embedded engine, `view` what a plugin sees."""
