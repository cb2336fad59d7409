"""Conditions that must hold for any bytes: one module each, as a function of an implementation and an input.

`tools/fuzz.py` searches for an input that breaks one, and `hardening/test_fuzz.py` tries the seeds. An input that
breaks one becomes a vector.
"""
