"""The product's services on one machine without containers: PostgreSQL, LiteLLM, Phoenix, the demo provider and the API."""
