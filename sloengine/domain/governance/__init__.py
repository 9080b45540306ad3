"""Who decides, what was decided, and the hash chain that proves nobody changed it afterwards."""
