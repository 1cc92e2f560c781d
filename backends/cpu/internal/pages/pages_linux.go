package pages

import "syscall"

// large is the size of a large page on most machines, in bytes.
const large = 2 << 20

// enlarge asks for large pages where size bytes lie, and around it up to their
// borders: the heap is in pieces of many such pages, and slices allocated one after
// the other are neighbours. It is advice, which may be ignored, and only about
// memory that nobody has touched yet.
func enlarge(from, size uintptr) {
	to := (from + size + large - 1) &^ (large - 1)
	from &^= large - 1
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_HUGEPAGE)
}
