"""Copy into another repository; mirror a store byte for byte."""
