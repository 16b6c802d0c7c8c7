# What may be set: `packer build -var 'source_url=...' packer`, or a file *.auto.pkrvars.hcl.

variable "source_url" {
  type        = string
  default     = ""
  description = "Git URL that the machine clones the workshop from. Empty: the checkout that Packer is started in is copied over, as a bundle of its history."
}

variable "disk_size" {
  type        = string
  default     = "12G"
  description = "Size of the disk of the local image; the built workshop takes about 4 GB of it."
}

variable "memory" {
  type        = number
  default     = 4096
  description = "Memory in MB while the image is made; rustc wants 2 GB for two crates at once."
}

variable "cpus" {
  type        = number
  default     = 2
  description = "Processors while the image is made."
}

variable "accelerator" {
  type        = string
  default     = "kvm"
  description = "QEMU's accelerator: kvm on Linux, hvf on macOS, tcg where there is neither (slow)."
}

variable "debian_image_url" {
  type        = string
  default     = "https://cloud.debian.org/images/cloud/trixie/latest/debian-13-genericcloud-amd64.qcow2"
  description = "The stock cloud image that the local image grows from."
}

variable "debian_image_checksum" {
  type        = string
  default     = "file:https://cloud.debian.org/images/cloud/trixie/latest/SHA512SUMS"
  description = "Its checksum; `file:` names a list that has it."
}

variable "output_directory" {
  type        = string
  default     = "rubber-docker-image"
  description = "Where the finished qcow2 is put; must not exist."
}

variable "region" {
  type        = string
  default     = "eu-central-1"
  description = "AWS region that the AMI is made in. Credentials come from AWS's usual places, never from here."
}

variable "instance_type" {
  type        = string
  default     = "t3.large"
  description = "Instance that the AMI is made on."
}
