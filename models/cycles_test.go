package models_test

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
)

// holdings are what a process holds.
type holdings struct {
	goroutines, descriptors, mappings int
	heap                              int64 // bytes
}

// held counts what this process holds now; descriptors and mappings of files in
// a folder where the system lists them.
func held(folder string) holdings {
	h := holdings{heap: settledHeap(), goroutines: runtime.NumGoroutine()}
	if list, err := os.ReadDir("/proc/self/fd"); err == nil {
		h.descriptors = len(list)
	}
	if maps, err := os.ReadFile("/proc/self/maps"); err == nil {
		h.mappings = strings.Count(string(maps), folder)
	}
	return h
}

// settledHeap collects until the heap no longer shrinks and gives its bytes: one
// collection is not enough for what pools keep over the next, for what cleanups
// let go and for what a worker still has on its stack until it parks.
func settledHeap() int64 {
	least := int64(math.MaxInt64)
	for same := 0; same < 3; {
		runtime.GC()
		heap := heapBytes()
		if heap < least-4<<10 {
			least, same = heap, 0
			continue
		}
		same++
		time.Sleep(5 * time.Millisecond)
	}
	return least
}

// Loading, running and closing over and over leaves goroutines, descriptors,
// mappings and memory as they were, from memory and from a mapped file with
// weights beside it, in one go and after a failure.
func TestCyclesLeaveNothingBehind(t *testing.T) {
	cycles := 300
	switch {
	case long:
		cycles = 10_000
	case testing.Short():
		cycles = 60
	}
	folder := t.TempDir()
	file, inputs := busy(t), pictures()
	whole := filepath.Join(folder, "whole.onnx")
	require.NoError(t, os.WriteFile(whole, file, 0o666))
	apart := filepath.Join(folder, "apart.onnx")
	weighty := between(node("Add", []string{"x", "w"}, []string{"y"})).bytes(5, bigTensor("w", 2).
		bytes(13, message{}.text(1, "location").text(2, "weights")).bytes(13, message{}.text(1, "length").text(2, "8")).int(14, 1))
	require.NoError(t, os.WriteFile(apart, model(weighty), 0o666))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "weights"), make([]byte, 8), 0o666))
	on(t, func(t *testing.T, device string) {
		cycle := func(i int) {
			o := &models.Options{Devices: []string{device}, Threads: 2}
			var s *models.Session
			var err error
			switch i % 3 {
			case 0:
				s, err = models.LoadBytes(t.Context(), file, o)
			case 1:
				s, err = models.Load(t.Context(), whole, o)
			case 2:
				_, err = models.Load(t.Context(), filepath.Join(folder, "weights"), o)
				require.Error(t, err)
				s, err = models.Load(t.Context(), apart, o)
			}
			require.NoError(t, err)
			in := inputs[i%len(inputs)]
			if i%3 == 2 {
				in = values{"x": tensor.Of([]float32{1, 2})}
			}
			_, err = s.Run(t.Context(), in)
			require.NoError(t, err)
			_, err = s.Run(t.Context(), nil)
			require.ErrorIs(t, err, models.ErrInput)
			require.NoError(t, s.Close())
		}
		for i := range 30 {
			cycle(i)
		}
		before := held(folder)
		for i := range cycles {
			cycle(i)
		}
		after := held(folder)
		for range 50 { // what ends by itself may take a moment
			if after.goroutines <= before.goroutines {
				break
			}
			time.Sleep(20 * time.Millisecond)
			after = held(folder)
		}
		assert.LessOrEqual(t, after.goroutines, before.goroutines, "goroutines")
		assert.LessOrEqual(t, after.descriptors, before.descriptors, "descriptors")
		assert.Zero(t, after.mappings, "files mapped")
		assert.Less(t, after.heap, before.heap+256<<10, "bytes of heap")
		t.Logf("%d cycles: %+v, then %+v", cycles, before, after)
	})
}
