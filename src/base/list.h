/* Every source of base images, in the order they are asked whether a reference is theirs. */
BASE_SOURCE(registry)
