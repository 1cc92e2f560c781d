#!/usr/bin/env bash
# Lays an ONNX Runtime library for this machine into the user's cache and prints
# its path. The library comes from the npm package onnxruntime-node.
set -euo pipefail
version=1.30.0
home=${XDG_CACHE_HOME:-$HOME/.cache}/midplane/onnxruntime-$version

case $(uname -s) in
Linux) platform=linux file=libonnxruntime.so.1 ;;
Darwin) platform=darwin file=libonnxruntime.1.dylib ;;
MINGW* | MSYS* | CYGWIN*) platform=win32 file=onnxruntime.dll ;;
*) platform= ;;
esac
case $(uname -m) in
x86_64 | amd64) platform+=/x64 ;;
aarch64 | arm64) platform+=/arm64 ;;
*) platform= ;;
esac
if [[ -z $platform ]]; then
	echo "the package onnxruntime-node has no library for $(uname -sm): install ONNX Runtime some other way and set MIDPLANE_ONNXRUNTIME to its path" >&2
	exit 1
fi

find_library() { find "$home" -path "*/$platform/$file" 2>/dev/null | head -n 1 || true; }

library=$(find_library)
if [[ -z $library ]]; then
	if ! command -v npm >/dev/null; then
		echo "npm is not installed, which fetches ONNX Runtime $version: install it, or set MIDPLANE_ONNXRUNTIME to the path of a library" >&2
		exit 1
	fi
	mkdir -p "$home"
	work=$(mktemp -d "$home/fetch.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	(cd "$work" && npm pack --silent "onnxruntime-node@$version" >/dev/null && tar xzf ./*.tgz && rm ./*.tgz)
	rm -rf "$home/package"
	mv "$work/package" "$home/package"
	find "$home/package/bin" -mindepth 3 -maxdepth 3 -type d ! -path "*/$platform" -exec rm -rf {} +
	library=$(find_library)
fi
if [[ -z $library ]]; then
	echo "the package onnxruntime-node $version has no library for $platform" >&2
	exit 1
fi
echo "$library"
