"""Training recipe of the embedded upscaler: data, degradations, model, training, export."""
