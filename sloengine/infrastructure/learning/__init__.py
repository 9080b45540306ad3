"""What is learnt with libraries: streams watched by river."""
