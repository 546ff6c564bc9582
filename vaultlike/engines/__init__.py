"""The secret engines that every server has: key-value stores and the cubbyhole. Not auth methods, not plugins."""
