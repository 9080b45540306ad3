"""Ways of users through the organisation, and what may be promised for them."""
