"""Fitting the churn risk to a product's own past: examples of it, coefficients, and how well they tell."""
