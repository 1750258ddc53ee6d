"""Answers with the mean and the deviation of numbers, computed by numpy: a dependency with native code."""

import numpy


def handler(event, context):
    numbers = numpy.array(event["numbers"])
    return {"mean": float(numbers.mean()), "deviation": float(numbers.std()), "for": context.function_name}
