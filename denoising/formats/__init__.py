"""Image files: what is in them, their pixels page by page, and files of the same kind written."""
