#!/usr/bin/env bash
# Gets the test peers that are missing: Debian packages, by name. Prints nothing
# when all are there. Without the rights to install, says what is left out; with
# CI=true a missing peer is a failure.
set -u
declare -A package=(
  [ip]=iproute2 [baresip]=baresip-core [sipp]=sip-tester [vgetty]=mgetty-voice
  [kamailio]=kamailio [chromium]=chromium [espeak-ng]=espeak-ng [sox]=sox
  [multimon-ng]=multimon-ng [rtpengine]=rtpengine-daemon [tshark]=tshark
  [dnsmasq]=dnsmasq-base [linphonec]=linphone-cli [openssl]=openssl [fsck.vfat]=dosfstools [e2fsck]=e2fsprogs
)
# The image is started by `make image-test` alone.
[ "${1:-}" != image ] || package=([qemu-system-aarch64]=qemu-system-arm [fsck.vfat]=dosfstools [xz]=xz-utils [dpkg-deb]=dpkg
  [e2fsck]=e2fsprogs [ip]=iproute2 [baresip]=baresip-core [espeak-ng]=espeak-ng)
missing=()
for tool in "${!package[@]}"; do
  command -v "$tool" >/dev/null 2>&1 || [ -x "/usr/sbin/$tool" ] || missing+=("${package[$tool]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0
echo "test peers missing: ${missing[*]}"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  # A service that a package would start has no business on a test machine.
  policy=/usr/sbin/policy-rc.d
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy; chmod +x $policy; made=1; }
  apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
  code=$?
  [ -z "${made:-}" ] || rm -f $policy
  if [ $code = 0 ]; then echo "test peers installed"; exit 0; fi
fi
echo "left out: tests that need ${missing[*]} (on Debian: apt-get install ${missing[*]})"
[ "${CI:-}" = true ] && exit 1
exit 0
