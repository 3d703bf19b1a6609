from flask import Flask

app = Flask(__name__)


@app.get("/")
def greeting() -> str:
    return "Hello from Flask"
