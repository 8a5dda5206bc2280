"""The Django project. The version is written here and nowhere else."""

__version__ = "0.1.0"
