package models_test

import (
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// bound is what a test may take.
type bound struct {
	time time.Duration
	heap int64 // bytes, of objects that the collector has not freed yet
}

// slowness is how much longer than usual things may take here: on an emulated
// processor MIDPLANE_SLOWNESS says it.
var slowness = func() time.Duration {
	n, err := strconv.Atoi(os.Getenv("MIDPLANE_SLOWNESS"))
	if err != nil {
		n = 1
	}
	return time.Duration(n * slower)
}()

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
