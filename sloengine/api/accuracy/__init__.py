"""How well promises hold, as clients read it."""
