"""Pure views: a value and a width in, a renderable out."""
