"""The vocabulary of SoMoBench and every contract checked against it.

Imports nothing of the other packages; they all import this one.
"""
