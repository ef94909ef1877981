"""Generated code of Buf's protos."""
