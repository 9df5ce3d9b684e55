#!/usr/bin/env python3
"""Sends mail. In "mode": "persistent", code outside the functions runs once, not for each job."""
from resque_jobs import run

TEMPLATES = {"Welcome": "Welcome!", "Invoice": "please pay {:.2f}"}


class InvalidAmount(Exception):
    pass


def welcome(address):
    print(f"to {address}: {TEMPLATES['Welcome']}")


def invoice(address, cents):
    if cents <= 0:
        raise InvalidAmount(f"can't send an invoice for {cents} cents")
    print(f"to {address}: {TEMPLATES['Invoice'].format(cents / 100)}")


JOBS = {"Welcome": welcome, "Invoice": invoice}

run(lambda payload, queue: JOBS[payload["class"]](*payload["args"]))
