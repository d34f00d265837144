"""What a notebook or a script calls: ``import deeper``, then ``deeper.load``, ``.trials``, ``.compare``, ``.train``."""
