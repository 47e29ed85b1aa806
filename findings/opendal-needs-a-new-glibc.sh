#!/usr/bin/env bash
# opendal 0.49.10 and 0.49.2 (npm), their binaries for Linux on x64.
#
# Apache OpenDAL's binding for Node.js comes with its binaries, so that nothing is compiled when it is installed. From
# 0.49.3 on those for glibc want version 2.38 of it, where 0.49.2 was content with 2.16: Debian 12, Ubuntu 22.04, RHEL 8
# and 9, Amazon Linux 2023 and the usual images of Node.js 20 have an older one. There the package is installed without a
# word, and `import 'opendal'` says that no binary was found and that npm has a bug. The binary grew from 41 to 82 MB too.
#
# Seen: 0.49.2 wants GLIBC_2.16, 0.49.10 GLIBC_2.38.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
wanted() {
  mkdir "$1"
  cd "$1"
  npm pack --silent "@opendal/lib-linux-x64-gnu@$1" > /dev/null
  tar xzf ./*.tgz
  grep -aoE 'GLIBC_2\.[0-9]+' package/*.node | sort -uV | tail -n 1
  cd ..
}
seen=$(for version in 0.49.2 0.49.10; do echo "$version $(wanted $version)"; done)
echo "$seen"
expected='0.49.2 GLIBC_2.16
0.49.10 GLIBC_2.38'
[ "$seen" = "$expected" ] || { echo 'This has changed.'; exit 1; }
