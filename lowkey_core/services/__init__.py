"""Commercial face services: asked only where that was allowed, paced, journalled, cleaned up."""
