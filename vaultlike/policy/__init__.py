"""Policies: text -> rules -> one compiled decision. Nothing here stores anything or knows HTTP."""
