"""Will the error budget run out? Distributions of the coming days, corrected by how earlier ones turned out."""
