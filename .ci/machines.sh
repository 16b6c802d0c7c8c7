#!/usr/bin/env bash
# Checks the descriptions of ready-made machines without making any: Packer's and Vagrant's own
# validation, and the schemas of Lima, cloud-init, compose and dev containers. What they describe is
# done by packer/bootstrap.sh, which .ci/bootstrap.sh runs.
#
#   .ci/machines.sh
set -euo pipefail
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
make_scratch

for tool in packer vagrant cloud-init shellcheck; do
    if ! command -v "$tool" >/dev/null; then
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            cloud-init packer python3-venv shellcheck vagrant >/dev/null
        break
    fi
done
schema_checker=$(schema_checker)

# Debian's Packer is older than `required_plugins`, and so has the plugins built in. The checksum
# would be fetched from where the image is.
cp -r packer "$scratch/packer"
rm "$scratch/packer/plugins.pkr.hcl"
validate() { env HOME="$scratch" PACKER_NO_COLOR=1 CHECKPOINT_DISABLE=1 packer validate -var debian_image_checksum=none "$scratch/packer"; }
check 'packer accepts the templates' validate
check 'they are formatted' packer fmt -check packer
same 'no source image is a fixed id' '' "$(grep -nE '\bami-[0-9a-f]+' -r packer Vagrantfile || :)"
check 'vagrant accepts the Vagrantfile' env VAGRANT_HOME="$scratch/vagrant" vagrant validate --ignore-provider
for file in packer/cloud-init.yaml packer/cidata/user-data; do
    check "cloud-init accepts $file" cloud-init schema --config-file "$file"
done
check 'compose.yaml follows the compose specification' \
    "$schema_checker" --builtin-schema vendor.compose-spec .devcontainer/compose.yaml
check 'devcontainer.json is what it has to be' \
    "$schema_checker" --schemafile .ci/devcontainer.schema.json .devcontainer/devcontainer.json
lima() { "$schema_checker" --schemafile .ci/lima.schema.json "$1"; }
check "lima.yaml has Lima's keys, both processors, and no mount that is written to" lima packer/lima.yaml
check 'the scripts are clean' shellcheck -x packer/*.sh .devcontainer/entrypoint .ci/bootstrap.sh .ci/machines.sh

# A validator that accepts everything would be green as well.
sed 's/source_ami_filter/source_amy_filter/' packer/machine.pkr.hcl >"$scratch/packer/machine.pkr.hcl"
if validate >/dev/null 2>&1; then not_ok 'packer refuses a misspelled template'; else ok 'packer refuses a misspelled template'; fi
sed 's/"service"/"servic"/' .devcontainer/devcontainer.json >"$scratch/devcontainer.json"
if "$schema_checker" --schemafile .ci/devcontainer.schema.json "$scratch/devcontainer.json" >/dev/null 2>&1; then
    not_ok 'a misspelled devcontainer.json is refused'
else
    ok 'a misspelled devcontainer.json is refused'
fi
for wrong in s/writable:.false/writable:\ true/ 's,{{.Param.checkout}},~,' s/^mounts:/mount:/ s/x86_64/aarch64/; do
    sed "$wrong" packer/lima.yaml >"$scratch/lima.yaml"
    if lima "$scratch/lima.yaml" >/dev/null 2>&1; then not_ok "lima.yaml is refused after $wrong"; else ok "lima.yaml is refused after $wrong"; fi
done
sed 's/^packages:/package:/; s/^runcmd:/runcmd: 3\nx:/' packer/cloud-init.yaml >"$scratch/cloud-init.yaml"
if cloud-init schema --config-file "$scratch/cloud-init.yaml" >/dev/null 2>&1; then
    not_ok 'cloud-init refuses a wrong file'
else
    ok 'cloud-init refuses a wrong file'
fi
sums
