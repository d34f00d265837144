"""Golden trainings: small computations of everything that enters a result, held against stored numbers."""
