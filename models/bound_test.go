package models_test

import (
	"fmt"
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

// within runs f and fails the test if it passes the bound or does not return.
// The heap is looked at every millisecond.
func within(t *testing.T, b bound, f func()) {
	t.Helper()
	runtime.GC()
	before := heapBytes()
	done := make(chan struct{})
	start := time.Now()
	go func() {
		defer close(done)
		f()
	}()
	peak := before
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-tick.C:
			if time.Since(start) > b.time+20*time.Second {
				panic(fmt.Sprintf("%s does not return", t.Name()))
			}
		}
		peak = max(peak, heapBytes())
	}
	assert.Less(t, time.Since(start), b.time*slowness, "time")
	assert.Less(t, peak-before, b.heap, "bytes of heap")
}

func heapBytes() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}
