"""Addresses that stand before allauth's own."""

from django.urls import path

from accounts import views

urlpatterns = [path("inactive/", views.account_inactive, name="account_inactive")]
