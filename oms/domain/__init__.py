"""Pure rules of orders, hosting and after-sales; imports nothing but the standard library."""
