//go:build !amd64 || noasm || !gc

package parallel

import "sync/atomic"

var idling atomic.Uint32

// pause lets a few dozen nanoseconds pass for every n.
func pause(n uint32) {
	for range n * 16 {
		idling.Load()
	}
}
