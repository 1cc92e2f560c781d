//go:build !noasm && gc

package isa

import "golang.org/x/sys/cpu"

// detect returns the best level of the processor and the operating system, which
// may still refuse the tiles of AMX, and whether they have AVX-512 VNNI.
func detect() (l Level, vnni bool) {
	x := &cpu.X86
	if !x.HasAVX2 || !x.HasFMA || !x.HasF16C {
		return Generic, false
	}
	if !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL {
		return AVX2, false
	}
	if x.HasAVX512VNNI && x.HasAMXTile && x.HasAMXInt8 {
		return AMX, true
	}
	return AVX512, x.HasAVX512VNNI
}
