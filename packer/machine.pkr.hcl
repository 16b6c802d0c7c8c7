# Two machines from one bootstrap: an image for QEMU, and an AMI for a class in the cloud.
#
#   packer init packer
#   packer build -only 'qemu.workshop' packer
#   packer build -only 'amazon-ebs.workshop' packer

source "qemu" "workshop" {
  iso_url          = var.debian_image_url
  iso_checksum     = var.debian_image_checksum
  disk_image       = true
  disk_size        = var.disk_size
  format           = "qcow2"
  accelerator      = var.accelerator
  memory           = var.memory
  cpus             = var.cpus
  headless         = true
  output_directory = var.output_directory
  vm_name          = "rubber-docker.qcow2"

  # cloud-init on the stock image lets Packer in: a disc labelled `cidata` is its NoCloud source.
  cd_label = "cidata"
  cd_files = ["${path.root}/cidata/meta-data", "${path.root}/cidata/user-data"]

  ssh_username = "learner"
  # Written in cidata/user-data as well, good for this build alone: the last step locks it.
  ssh_password     = "only-while-building"
  ssh_timeout      = "10m"
  shutdown_command = "sudo shutdown -P now"
}

source "amazon-ebs" "workshop" {
  region        = var.region
  instance_type = var.instance_type
  ami_name      = "rubber-docker-{{ timestamp }}"
  ssh_username  = "admin"

  # Debian's own account; whichever build is the newest.
  source_ami_filter {
    filters = {
      name                = "debian-13-amd64-*"
      architecture        = "x86_64"
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
    owners      = ["136693071363"]
    most_recent = true
  }

  launch_block_device_mappings {
    device_name           = "/dev/xvda"
    volume_size           = 16
    volume_type           = "gp3"
    iops                  = 3000
    throughput            = 125
    delete_on_termination = true
  }

  tags = {
    Name = "Rubber Docker in Rust"
  }
}

build {
  sources = ["source.qemu.workshop", "source.amazon-ebs.workshop"]

  # cloud-init may still be installing; two apt-gets do not go together.
  provisioner "shell" {
    inline = ["cloud-init status --wait || true"]
  }

  # The history comes along, so that `cargo workshop reset` has what it needs.
  provisioner "shell-local" {
    inline = ["git -C '${path.root}/..' bundle create '${path.root}/workshop.bundle' HEAD"]
  }
  provisioner "file" {
    source      = "${path.root}/workshop.bundle"
    destination = "/tmp/workshop.bundle"
    generated   = true
  }

  provisioner "shell" {
    script          = "${path.root}/bootstrap.sh"
    execute_command = "chmod +x {{ .Path }}; sudo env {{ .Vars }} {{ .Path }}"
    environment_vars = [
      "WORKSHOP_SOURCE=${var.source_url == "" ? "/tmp/workshop.bundle" : var.source_url}",
    ]
  }

  # What must not be the same on forty machines.
  provisioner "shell" {
    inline = [
      "rm -f /tmp/workshop.bundle",
      "sudo passwd --lock $(id -un)",
      "sudo rm -f /etc/ssh/ssh_host_*",
      "sudo truncate -s 0 /etc/machine-id",
      "sudo cloud-init clean --logs",
    ]
  }
}
