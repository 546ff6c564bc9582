"""Who a token stands for: entities and their aliases. Knows no tokens and no HTTP."""
