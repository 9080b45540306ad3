"""What the product takes in time and memory, and whether its promises hold: ``python -m bench``."""
