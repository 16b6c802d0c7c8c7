//! The two directories of a machine that has been told nothing else.

/// Where images are looked for unless `RUBBER_DOCKER_IMAGES` says otherwise.
pub const IMAGES: &str = "/var/lib/rubber-docker/images";

/// Where containers live unless `RUBBER_DOCKER_CONTAINERS` says otherwise.
pub const CONTAINERS: &str = "/var/lib/rubber-docker/containers";
