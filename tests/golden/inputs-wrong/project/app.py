"""Answers each event with the event itself."""


def handler(event, context):
    return event
