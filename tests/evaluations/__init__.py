"""How well requests are routed and answered, with the models that are configured: ``make evaluations``."""
