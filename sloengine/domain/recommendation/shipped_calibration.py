ORGANIZATIONS = 504
SOURCE = "shipped map, learnt on 504 simulated organisations"
WINDOW_DAYS = (7.0, 28.0)
LEVELS = (0.8, 0.9)
ATTAINED = ((0.8, 0.9), (0.8, 0.9))
