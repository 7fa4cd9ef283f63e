#!/usr/bin/env bash
# Runs programs on an emulated CPU: the way to check a rung of the ladder that no machine at hand has.
#
#   BOCHS=path/to/bochs scripts/emulate.sh CPU 'command line' FILE...
#   scripts/emulate.sh tigerlake './kernels_test --gtest_filter=Conv*' build/release/kernels_test
#
# The files, with the shared libraries that programs need, are copied into a Linux guest, which runs the command
# line in their folder. Its output is printed; the exit code is the command's, or 125 when the guest did not get
# there. Booting takes seconds; expect a hundredth of the machine's speed after that. tests/README.md says which CPUs
# there are and what Bochs must be able to do. Needs apt-get (Debian 12), cpio and xorriso.
#
#   MEMORY=1024   MiB of the guest, which hold the files too
#   LIMIT=3000    seconds after which the guest is stopped
set -euo pipefail
cd "$(dirname "$0")/.."

# The guest's parts, fetched once and unpacked without being installed.
fetch_parts() {
  local parts=$1 kernel
  [[ -e $parts/complete ]] && return
  rm -rf "$parts"
  mkdir -p "$parts/packages"
  kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: *//p' | head -n 1)
  (cd "$parts/packages" &&
    apt-get download "$kernel" bochsbios vgabios isolinux syslinux-common busybox-static >/dev/null)
  local package
  for package in "$parts"/packages/*.deb; do dpkg -x "$package" "$parts"; done
  touch "$parts/complete"
}

# Copies a file into the guest's /work, and the libraries that a program asks for to where they are here.
add_file() {
  local file=$1 root=$2 library
  cp --recursive --dereference "$file" "$root/work/"
  [[ -f $file ]] || return 0
  { ldd "$file" 2>/dev/null || true; } | { grep --only-matching '/[^ ]*' || true; } | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp --dereference "$library" "$root$library"
  done
}

make_root() {
  local parts=$1 root=$2 command=$3
  shift 3
  mkdir -p "$root"/{bin,dev,proc,sys,tmp,work}
  cp "$parts/bin/busybox" "$root/bin/"
  local file
  for file in "$@"; do add_file "$file" "$root"; done
  printf '%s\n' "$command" >"$root/work/.command"
  cat >"$root/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/work
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
echo 0 >/proc/sys/kernel/printk
cd /work
echo "=== begin"
sh ./.command </dev/null 2>&1
echo "=== exit $?"
poweroff -f
INIT
  chmod +x "$root/init"
}

make_disc() {
  local parts=$1 root=$2 disc=$3 files=$4
  mkdir -p "$files"
  (cd "$root" && find . | cpio --create --format=newc --quiet --owner=0:0) >"$files/initrd"
  cp "$parts"/usr/lib/ISOLINUX/isolinux.bin "$parts"/usr/lib/syslinux/modules/bios/ldlinux.c32 "$files/"
  cp "$parts"/boot/vmlinuz-* "$files/vmlinuz"
  # fsrm: this kernel's memmove trusts it without the older flag that Bochs leaves out, and goes astray.
  cat >"$files/isolinux.cfg" <<'CFG'
DEFAULT linux
LABEL linux
  KERNEL vmlinuz
  INITRD initrd
  APPEND console=ttyS0,115200 quiet mitigations=off nokaslr tsc=reliable lpj=200000 no_timer_check random.trust_cpu=on nowatchdog clearcpuid=fsrm panic=-1 rdinit=/init
CFG
  xorriso -as mkisofs -quiet -o "$disc" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 \
    -boot-info-table "$files" 2>/dev/null
}

configure() {
  local parts=$1 work=$2 cpu=$3
  cat <<CONFIGURATION
display_library: nogui
config_interface: textconfig
cpu: model=$cpu, count=1, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest=${MEMORY:-1024}, host=${MEMORY:-1024}
romimage: file=$parts/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=$parts/usr/share/vgabios/vgabios.bin
ata0-master: type=cdrom, path=$work/boot.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/serial
clock: sync=none
log: $work/log
panic: action=fatal
error: action=ignore
info: action=ignore
CONFIGURATION
}

main() {
  (($# >= 3)) || { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }
  local cpu=$1 command=$2 parts=$PWD/build/emulate/parts
  shift 2
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  fetch_parts "$parts"
  make_root "$parts" "$work/root" "$command" "$@"
  make_disc "$parts" "$work/root" "$work/boot.iso" "$work/files"
  configure "$parts" "$work" "$cpu" >"$work/bochsrc"
  : >"$work/serial"
  timeout "${LIMIT:-3000}" "${BOCHS:-bochs}" -q -f "$work/bochsrc" >"$work/out" 2>&1 </dev/null || true
  sed -n 's/\r$//; /^=== begin/,$p' "$work/serial"
  local code
  code=$(sed -n 's/^=== exit \([0-9]*\).*/\1/p' "$work/serial" | tail -n 1)
  [[ -n $code ]] || { tail -n 5 "$work/log" "$work/out" >&2; exit 125; }
  exit "$code"
}

main "$@"
