"""What was promised against what came: rolling-origin backtests, judged honestly."""
