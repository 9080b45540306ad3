"""What would become possible if the graph were another."""
