"""From batches to what a trained network says."""
