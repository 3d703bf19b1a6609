from fastapi import FastAPI

from app.greeting import GREETING

api = FastAPI()


@api.get("/")
def greeting() -> dict[str, str]:
    return {"message": GREETING}
