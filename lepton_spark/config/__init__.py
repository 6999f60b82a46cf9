"""What a case and an environment say: frozen models, a strict loader, safe SQL expressions."""
