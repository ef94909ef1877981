"""Where photos are kept, and how pictures are read without trusting them."""
