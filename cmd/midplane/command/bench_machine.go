package command

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/measure"
	"example.com/midplane/operators"
	"example.com/midplane/operators/cost"
)

// machineJSON is what the processor does at best with the bench's threads, and how
// two of its threads lie to each other. Zero is not known: there is no device "cpu",
// or only one thread.
type machineJSON struct {
	PeakFloats   float64 `json:"peak_gflops,omitempty"`      // float32, with the bench's threads
	PeakIntegers float64 `json:"peak_int8_gops,omitempty"`   // 8-bit integers
	TwoThreads   float64 `json:"two_thread_peaks,omitempty"` // the float32 peak of two threads in those of one
	RoundTrip    float64 `json:"round_trip_ns,omitempty"`    // between two threads that wait awake
}

// measureMachine measures the machine for a number of threads.
func measureMachine(ctx context.Context, threads int) (m machineJSON, err error) {
	trip, err := measure.RoundTrip(ctx)
	if err != nil {
		return m, err
	}
	m.RoundTrip = float64(trip) / float64(time.Nanosecond)
	var errs [4]error
	m.PeakFloats, errs[0] = peakOf(ctx, threads, tensor.Float32)
	m.PeakIntegers, errs[1] = peakOf(ctx, threads, tensor.Int8)
	if runtime.GOMAXPROCS(0) > 1 && m.PeakFloats > 0 {
		var one, two float64
		one, errs[2] = peakOf(ctx, 1, tensor.Float32)
		two, errs[3] = peakOf(ctx, 2, tensor.Float32)
		m.TwoThreads = two / one
	}
	return m, errors.Join(errs[:]...)
}

// peakOf returns the peak of device cpu in 10⁹ operations a second, 0 where there is
// no such device or it has none.
func peakOf(ctx context.Context, threads int, t tensor.DType) (_ float64, err error) {
	d, err := adapter.Open(ctx, "cpu", &adapter.Options{Threads: threads})
	if errors.Is(err, adapter.NotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	p, ok := adapter.As[operators.Peaker](d)
	if !ok {
		return 0, nil
	}
	ops, err := p.Peak(ctx, t)
	return ops / 1e9, err
}

// share returns how large a part of a time in milliseconds the work would take at
// the peak of its kind of numbers, 0 where that is not known.
func (m machineJSON) share(w cost.Work, took float64) float64 {
	if m.PeakFloats == 0 || m.PeakIntegers == 0 || took == 0 {
		return 0
	}
	return 2 * (w.Floats/m.PeakFloats + w.Integers/m.PeakIntegers) / 1e6 / took
}

// gflops returns the rate of work that took milliseconds.
func gflops(w cost.Work, took float64) float64 {
	if took == 0 {
		return 0
	}
	return 2 * w.Total() / 1e6 / took
}

// describe says it in a line, nothing where nothing is known.
func (m machineJSON) describe(threads int) string {
	s := ""
	if m.PeakFloats > 0 {
		s = fmt.Sprintf("peak with %d threads: %.4g GFLOP/s of float32, %.4g GOP/s of int8", threads, m.PeakFloats, m.PeakIntegers)
		if threads == 1 {
			s = fmt.Sprintf("peak with 1 thread: %.4g GFLOP/s of float32, %.4g GOP/s of int8", m.PeakFloats, m.PeakIntegers)
		}
	}
	if m.TwoThreads > 0 {
		s += fmt.Sprintf("; two threads reach %.2f times one's", m.TwoThreads)
	}
	if m.RoundTrip > 0 {
		if s != "" {
			s += ", "
		}
		s += fmt.Sprintf("round trip between them %.0f ns", m.RoundTrip)
	}
	return s
}
