package device_test

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/conformance/device"
	"example.com/midplane/conformance/result"
)

// The cells of minutes, with nothing beside them: what they leave behind is seen
// to the goroutine, the descriptor and the MiB.
func TestStress(t *testing.T) {
	if os.Getenv("MIDPLANE_LONG") == "" {
		t.Skip("takes minutes; MIDPLANE_LONG=1 runs it")
	}
	for _, name := range []string{"cpu:0", "emu:0"} {
		for _, c := range device.All() {
			if !c.Long {
				continue
			}
			t.Run(name+"/"+c.ID(), func(t *testing.T) {
				target := on(name)
				target.Limit = device.LongLimit
				before := measure(t)
				outcome, reason := c.Run(t.Context(), target)
				if outcome == result.UnsupportedDeclared && name == "cpu:0" {
					t.Skip(reason)
				}
				assert.Equal(t, result.Pass, outcome, reason)
				after := measure(t)
				t.Logf("before: %+v, after: %+v", before, after)
				assert.LessOrEqual(t, after.goroutines, before.goroutines+2)
				assert.LessOrEqual(t, after.descriptors, before.descriptors)
				assert.LessOrEqual(t, after.heap, before.heap+4<<20)
				assert.LessOrEqual(t, after.mappings, before.mappings+16)
			})
		}
	}
}

// usage is what the process holds. What the system does not tell is 0.
type usage struct {
	goroutines, descriptors, mappings int
	heap                              uint64 // bytes
}

func measure(t *testing.T) usage {
	t.Helper()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u := usage{goroutines: runtime.NumGoroutine(), heap: m.HeapAlloc}
	if runtime.GOOS == "linux" {
		entries, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		u.descriptors = len(entries)
		maps, err := os.ReadFile("/proc/self/maps")
		require.NoError(t, err)
		u.mappings = strings.Count(string(maps), "\n")
	}
	return u
}
