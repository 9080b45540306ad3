"""What would become possible if the graph were another: edits, the edited graph, and the targets it allows."""
