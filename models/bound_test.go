package models_test

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// bound is what a test may take.
type bound struct {
	time time.Duration
	heap int64 // bytes, of objects that the collector has not freed yet
}

// within runs f and fails the test if it passes the bound. The heap is looked at
// every millisecond.
func within(t *testing.T, b bound, f func()) {
	t.Helper()
	runtime.GC()
	before, peak := heapBytes(), int64(0)
	watchdog := time.AfterFunc(b.time*slowness+30*time.Second, func() { panic(t.Name() + " does not return") })
	defer watchdog.Stop()
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			peak = max(peak, heapBytes())
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	start := time.Now()
	f()
	took := time.Since(start)
	close(done)
	<-watched
	assert.Less(t, took, b.time*slowness, "time")
	assert.Less(t, max(peak, heapBytes())-before, b.heap, "bytes of heap")
}

func heapBytes() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}
