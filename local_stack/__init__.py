"""The product's services without containers: PostgreSQL, LiteLLM, Phoenix, the demo provider and the API."""
