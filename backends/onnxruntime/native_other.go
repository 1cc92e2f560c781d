//go:build !((linux || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64) && !android && !ios) && !(windows && (amd64 || arm64))

package onnxruntime

import (
	"fmt"
	"runtime"
)

var libraryNames []string

func openLibrary(string) (uintptr, error) {
	return 0, fmt.Errorf("a program for %s/%s cannot load shared libraries", runtime.GOOS, runtime.GOARCH)
}

func symbol(uintptr, string) (uintptr, error) { return openLibrary("") }

func invoke(uintptr, ...uintptr) uintptr { panic("onnxruntime: no library can have been loaded") }

func fileName(path string) []byte { return append([]byte(path), 0) }
