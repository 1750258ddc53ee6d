/* Every engine; --engine auto tries them in this order. */
ENGINE(host)
ENGINE(buildah)
ENGINE(podman)
ENGINE(docker)
ENGINE(buildx)
ENGINE(buildctl)
