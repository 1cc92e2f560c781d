package integer

import (
	"flag"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var underSignals = flag.Duration("under-signals", 300*time.Millisecond, "how long products are computed while signals arrive")

// Signals that arrive within kernels, those of a profiler and those that preempt
// goroutines, and threads that take turns leave the kernels' registers as they
// are.
func TestProductUnderSignals(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	const rows, inner, columns = 47, 512, 96
	m := &Matrix{Data: extremes(r, inner*columns), Taps: []int{0}, Columns: columns, Step: 1}
	for i := range inner {
		m.Inner = append(m.Inner, i*columns)
	}
	p := Product{A: extremes(r, rows*inner), Lines: []int{0}, Rows: rows, Step: inner, Offsets: []int64{0}, B: m.Pack(nil), D: make([]int32, columns), CStep: columns}
	want := plainProduct(&p, m)
	height, width := Tiles(1, rows, columns)

	require.NoError(t, pprof.StartCPUProfile(io.Discard))
	defer pprof.StopCPUProfile()
	var stop atomic.Bool
	var work, signals sync.WaitGroup
	var wrong, done atomic.Int64
	signals.Go(func() {
		for !stop.Load() {
			assert.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGURG))
			time.Sleep(20 * time.Microsecond)
			if done.Load()%64 == 0 {
				runtime.GC() // stops and scans every goroutine
			}
		}
	})
	for range 3 * runtime.GOMAXPROCS(0) {
		work.Go(func() {
			own := p
			own.Sums = make([]int32, rows*columns)
			for !stop.Load() {
				clear(own.Sums)
				own.Rectangle(0, height, 0, width)
				if !slices.Equal(own.Sums, want) {
					wrong.Add(1)
				}
				done.Add(1)
			}
		})
	}
	time.Sleep(*underSignals)
	stop.Store(true)
	work.Wait()
	signals.Wait()
	t.Log(done.Load(), "products")
	assert.Positive(t, done.Load())
	assert.Zero(t, wrong.Load())
}
