"""A model provider that plays written scenarios: the Messages API without a model, labelled as scripted."""
