/* Every source of base images, in the order they are asked whether a reference is theirs. */
BASE_SOURCE(oci)
BASE_SOURCE(oci_archive)
BASE_SOURCE(docker_archive)
BASE_SOURCE(registry)
