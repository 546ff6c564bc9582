"""Everything that knows HTTP. Nothing below it does."""
