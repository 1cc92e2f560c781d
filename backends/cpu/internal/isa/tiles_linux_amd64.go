//go:build !noasm && gc

package isa

import "golang.org/x/sys/unix"

// permitTiles asks Linux (5.16 and later) to save the tiles of AMX with the
// process's threads, and reports whether it does. It refuses where a thread's
// signal stack is too small for them. Linux grants only what it has enabled in
// XCR0.
func permitTiles() bool {
	// From Linux' arch/x86/include/uapi/asm/prctl.h and its documentation of xstate.
	const (
		requestPermission = 0x1023 // ARCH_REQ_XCOMP_PERM
		tileData          = 18     // XFEATURE_XTILE_DATA
	)
	_, _, errno := unix.RawSyscall(unix.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return errno == 0
}
