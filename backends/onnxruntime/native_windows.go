//go:build amd64 || arm64

package onnxruntime

import (
	"fmt"
	"syscall"
	"unicode/utf16"
	"unsafe"
)

// libraryNames are what the system's loader is asked for, best first.
var libraryNames = []string{"onnxruntime.dll"}

// openLibrary loads a shared library. It is never unloaded: its threads and
// callbacks would outlive its code.
func openLibrary(path string) (uintptr, error) {
	library, err := syscall.LoadLibrary(path)
	return uintptr(library), err
}

// symbol returns the address of an exported function.
func symbol(library uintptr, name string) (uintptr, error) {
	address, err := syscall.GetProcAddress(syscall.Handle(library), name)
	if err != nil {
		return 0, fmt.Errorf("it exports no %s: %w", name, err)
	}
	return address, nil
}

// invoke calls a C function.
//
//go:uintptrescapes
func invoke(function uintptr, args ...uintptr) uintptr {
	result, _, _ := syscall.SyscallN(function, args...)
	return result
}

// fileName returns a path as the library takes it: UTF-16 with its terminating
// zero.
func fileName(path string) []byte {
	wide := append(utf16.Encode([]rune(path)), 0)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(wide))), 2*len(wide))
}
