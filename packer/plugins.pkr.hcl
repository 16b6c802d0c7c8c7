# In a file of its own: Packer before 1.7, which some distributions ship, knows no
# `required_plugins` and can validate the rest without it. Newer ones: `packer init packer`.

packer {
  required_plugins {
    qemu = {
      version = ">= 1.0.0"
      source  = "github.com/hashicorp/qemu"
    }
    amazon = {
      version = ">= 1.2.0"
      source  = "github.com/hashicorp/amazon"
    }
  }
}
