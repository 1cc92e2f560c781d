//go:build (linux || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64) && !android && !ios

package onnxruntime

import (
	"fmt"
	"runtime"

	"github.com/ebitengine/purego"
)

// libraryNames are what the system's loader is asked for, best first.
var libraryNames = map[bool][]string{
	false: {"libonnxruntime.so.1", "libonnxruntime.so"},
	true:  {"libonnxruntime.dylib", "/opt/homebrew/lib/libonnxruntime.dylib", "/usr/local/lib/libonnxruntime.dylib"},
}[runtime.GOOS == "darwin"]

// openLibrary loads a shared library. It is never unloaded: its threads and
// callbacks would outlive its code.
func openLibrary(path string) (uintptr, error) {
	return purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
}

// symbol returns the address of an exported function.
func symbol(library uintptr, name string) (uintptr, error) {
	address, err := purego.Dlsym(library, name)
	if err != nil || address == 0 {
		return 0, fmt.Errorf("it exports no %s", name)
	}
	return address, nil
}

// invoke calls a C function.
//
//go:uintptrescapes
func invoke(function uintptr, args ...uintptr) uintptr {
	result, _, _ := purego.SyscallN(function, args...)
	return result
}

// fileName returns a path as the library takes it, with its terminating zero.
func fileName(path string) []byte { return append([]byte(path), 0) }
