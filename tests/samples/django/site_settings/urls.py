from django.http import HttpRequest, HttpResponse
from django.urls import path
from visits.models import Visit


def greeting(request: HttpRequest) -> HttpResponse:
    Visit.objects.create()
    return HttpResponse(f"Hello from Django, visit {Visit.objects.count()}")


urlpatterns = [path("", greeting)]
