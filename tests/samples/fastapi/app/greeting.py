GREETING = "Hello from FastAPI"
