from pathlib import Path

BASE_DIR = Path(__file__).parent.parent
SECRET_KEY = "only for development"
DEBUG = True
ALLOWED_HOSTS: list[str] = []
INSTALLED_APPS = ["django.contrib.contenttypes", "visits"]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "site_settings.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
