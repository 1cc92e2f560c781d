package pages

import (
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	// large is the size of a large page on most machines, in bytes.
	large = 2 << 20

	// probes is how many large pages lie from one that is touched to the next.
	probes = 8

	// A large page comes in a fraction of usual, the time of zeroing it, unless free
	// memory is in small pieces: then the system moves other memory out of the way
	// first. Patience is how long pages that are touched may be waited for in all.
	usual    = time.Millisecond / 2
	patience = 4 * time.Millisecond
)

// waited is how many nanoseconds large pages have been waited for.
var waited atomic.Int64

// enlarge asks for large pages for memory of zeros, and around it up to their
// borders: the heap is in pieces of many such pages, and slices allocated one after
// the other are neighbours. It is advice, which may be ignored, and only about
// memory that nobody has touched yet. When pages were waited for too long there is
// none any more: with small pages a run takes a few percent longer, with large ones
// that come slowly the first run may take twice as long.
func enlarge(v []byte) {
	if waited.Load() > int64(patience) {
		return
	}
	from := uintptr(unsafe.Pointer(&v[0]))
	first, last := from&^(large-1), (from+uintptr(len(v))+large-1)&^(large-1)
	advise(first, last, syscall.MADV_HUGEPAGE)
	for at := int(-from & (large - 1)); at < len(v); at += probes * large {
		start := time.Now()
		v[at] = 0
		if late := time.Since(start) - usual; late > 0 && waited.Add(int64(late)) > int64(patience) {
			advise(first, last, syscall.MADV_NOHUGEPAGE)
			return
		}
	}
}

func advise(from, to uintptr, advice int) {
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, uintptr(advice))
}
