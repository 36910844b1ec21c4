"""Put bitforbit around a project that is there already; new projects come from the cookiecutter template."""
