/* Every source of base images, in the order in which their prefixes are compared. registry, which
 * has none, comes last. */
BASE_SOURCE(oci)
BASE_SOURCE(oci_archive)
BASE_SOURCE(docker_archive)
BASE_SOURCE(registry)
