package result_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/conformance/result"
)

func verified(edit func(*result.Result)) result.Result {
	r := result.Result{ID: "op/MatMul/13/float32/default/large", Seconds: 0.01, CPU: 0.001, BytesIn: 8192, BytesOut: 4096, InputBytes: 8192, OutputBytes: 4096, Operations: 1e6}
	r.As(result.Pass, "")
	edit(&r)
	return r
}

// Each kind of hidden help that leaves a trace has its flag, and honest devices
// have none.
func TestFlags(t *testing.T) {
	for name, c := range map[string]struct {
		edit   func(*result.Result)
		device result.Device
		want   string // in the only flag; "": there is none
	}{
		"honest":                        {func(*result.Result) {}, result.Device{Class: "gpu", Properties: map[string]string{"peak_gflops": "1", "peak_gbytes_per_second": "1"}}, ""},
		"the host computes":             {func(r *result.Result) { r.CPU = 0.0095 }, result.Device{Class: "gpu"}, "busy for 95 % of the time of the 20 longest trials"},
		"the host is the device":        {func(r *result.Result) { r.CPU = 0.0095 }, result.Device{Class: "cpu"}, ""},
		"nothing comes back":            {func(r *result.Result) { r.BytesOut = 0 }, result.Device{Class: "npu"}, "not one byte was copied from the device"},
		"nothing goes there":            {func(r *result.Result) { r.BytesIn = 0 }, result.Device{Class: "npu"}, "not one byte was copied to the device"},
		"memory is shared":              {func(r *result.Result) { r.BytesIn, r.BytesOut = 0, 0 }, result.Device{Class: "npu", Caps: []string{"HostMapper"}}, ""},
		"a result without elements":     {func(r *result.Result) { r.OutputBytes, r.BytesOut = 0, 0 }, result.Device{Class: "npu"}, ""},
		"faster than it says it can be": {func(r *result.Result) { r.Operations = 2e7 }, result.Device{Class: "gpu", Properties: map[string]string{"peak_gflops": "1"}}, "more operations a second than the peak_gflops declared 1"},
		"more bytes than it says":       {func(*result.Result) {}, result.Device{Class: "cpu", Properties: map[string]string{"peak_gbytes_per_second": "0.001"}}, "more bytes a second"},
		"a peak that is no number":      {func(*result.Result) {}, result.Device{Class: "cpu", Properties: map[string]string{"peak_gflops": "fast"}}, ""},
	} {
		var results []result.Result
		for range 20 {
			results = append(results, verified(c.edit))
		}
		flags := result.Flags(results, &result.Manifest{Device: c.device, Isolated: true})
		if c.want == "" {
			assert.Empty(t, flags, name)
		} else if assert.Len(t, flags, 1, name) {
			assert.Contains(t, flags[0], c.want, name)
		}
		for i := range results {
			results[i].As(result.FailNumeric, "")
		}
		assert.Empty(t, result.Flags(results, &result.Manifest{Device: c.device, Isolated: true}), "what failed needs no flag")
	}
}
