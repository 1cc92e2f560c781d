//go:build !noasm && gc

package parallel

// pause tells the processor n times, n > 0, that the program waits for another
// core.
//
//go:noescape
func pause(n uint32)
