"""The token store: a token *is* its lease. Owns tokens' life; knows neither policies' meaning nor mounts."""
