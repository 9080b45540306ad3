"""Services, who calls whom, cycles, and how reliability composes along calls."""
