"""The truth: each family of indicators, told from what customers wrote in their diaries."""
