"""What happens, as a subscription."""
