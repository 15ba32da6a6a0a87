"""Contenders: their contract, how they are found, checked, listed and begun."""
