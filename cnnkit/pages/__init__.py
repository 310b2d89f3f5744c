"""Pages: HTML files that need nothing but themselves, of one style, from templates."""
