"""What the use cases need from outside, one Protocol a file, named by need."""
