"""Parts that several families share, a file a subject."""
